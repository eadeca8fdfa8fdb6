package config_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"throng/internal/config"
)

const repository = "../../"

type compose struct {
	Services map[string]struct {
		Command     []string
		Entrypoint  []string
		Environment map[string]any
		Image       string
		Restart     string
		MemLimit    string   `yaml:"mem_limit"`
		CapDrop     []string `yaml:"cap_drop"`
		Healthcheck map[string]any
		Secrets     []string
		Volumes     []string
	}
	Secrets map[string]any
}

// storeUsers are the stages that ask the store, each of them as a user of its own name, who may do what the stage
// does and no more: deploy/clickhouse/users.xml, whose grants a test of cmd/throng tries.
var storeUsers = []string{"migrate", "load", "close", "retention"}

// checkUser holds a stage to its user: of its own name, or nobody where it does not ask the store.
func checkUser(t *testing.T, stage string, c *config.Config) {
	t.Helper()
	user, password := config.Default().Store.User, ""
	if slices.Contains(storeUsers, stage) {
		user, password = stage, "/"+stage
	}
	if c.Store.User != user || c.Store.PasswordFile[max(strings.LastIndex(c.Store.PasswordFile, "/"), 0):] != password {
		t.Errorf("%s asks the store as %q with %q, want %q", stage, c.Store.User, c.Store.PasswordFile, user)
	}
}

// checkMetrics holds load, which takes its address from the command line, to that of the others.
func checkMetrics(t *testing.T, stage string, command []string, c *config.Config) {
	t.Helper()
	if i := slices.Index(command, "--metrics"); stage == "load" && (i < 0 || command[i+1] != c.Listen.Admin) {
		t.Errorf("load serves no metrics on %s: %v", c.Listen.Admin, command)
	}
}

func readCompose(t *testing.T) compose {
	t.Helper()
	src, err := os.ReadFile(repository + "docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	// The library takes a key beside a merged one for a duplicate; Compose lets it win, as YAML says.
	if err := yaml.UnmarshalWithOptions(src, &c, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestExampleConfigurationIsAccepted(t *testing.T) {
	c, err := config.Load(repository+"deploy/throng.example.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sources) != 1 || c.Sources[0].Format != "combined_signals" || !c.Broker.Embedded() || !c.Store.Embedded() {
		t.Errorf("read as %+v", c)
	}
}

func TestComposeConfiguresEachStage(t *testing.T) {
	var stages []string
	for name, service := range readCompose(t).Services {
		var environ []string
		for variable, value := range service.Environment {
			if strings.HasPrefix(variable, "THRONG_") {
				environ = append(environ, fmt.Sprintf("%s=%v", variable, value))
			}
		}
		if len(environ) == 0 {
			continue
		}
		stages = append(stages, name)
		c, err := config.Load(repository+"deploy/throng.compose.yaml", environ)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if c.Broker.Embedded() || c.Store.Embedded() {
			t.Errorf("%s would start an embedded engine", name)
		} else {
			checkUser(t, name, c)
			checkMetrics(t, name, service.Command, c)
		}
		if want := slices.Contains(storeUsers, name); want != slices.Equal(service.Secrets, []string{name}) || !want && service.Secrets != nil {
			t.Errorf("%s is given the secrets %v", name, service.Secrets)
		}
		if service.Command[0] != name {
			t.Errorf("%s runs throng %s", name, service.Command[0])
		}
	}
	slices.Sort(stages)
	if want := []string{"close", "dashboards", "load", "migrate", "retention", "ship"}; !slices.Equal(stages, want) {
		t.Errorf("the stages are %v, want %v", stages, want)
	}
}

// The server gets a password for each of its users, and nobody a secret that is not there.
func TestComposeGivesTheServerEachUser(t *testing.T) {
	c := readCompose(t)
	server := c.Services["clickhouse"]
	users, err := os.ReadFile(repository + "deploy/clickhouse/users.xml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`from_env="([A-Z]+)_PASSWORD"`).FindAllStringSubmatch(string(users), -1) {
		names = append(names, strings.ToLower(m[1]))
	}
	if !slices.Equal(server.Secrets, names) {
		t.Errorf("the server is given %v, and its users are %v", server.Secrets, names)
	}
	if entry := strings.Join(server.Entrypoint, " "); !strings.Contains(entry, "for user in "+strings.Join(names, " ")+"; do") {
		t.Errorf("the server does not take a password for each of %v: %s", names, entry)
	}
	if !slices.ContainsFunc(server.Volumes, func(v string) bool {
		return strings.HasPrefix(v, "./deploy/clickhouse/users.xml:/etc/clickhouse-server/users.d/")
	}) {
		t.Errorf("the server does not read users.xml: %v", server.Volumes)
	}
	for _, s := range c.Services {
		for _, secret := range s.Secrets {
			if c.Secrets[secret] == nil {
				t.Errorf("there is no secret %s", secret)
			}
		}
	}
}

// Prometheus asks every stage that runs on.
func TestComposeScrapesEachStage(t *testing.T) {
	text, err := os.ReadFile(repository + "deploy/prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	var scrapes struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(text, &scrapes); err != nil {
		t.Fatal(err)
	}
	targets := scrapes.ScrapeConfigs[0].StaticConfigs[0].Targets
	for _, stage := range []string{"ship", "load", "close", "retention", "dashboards"} {
		if !slices.Contains(targets, stage+":9090") {
			t.Errorf("%s is not scraped: %v", stage, targets)
		}
	}
}

// The units of systemd on one machine have an address each for their metrics; a stage's drop-in names its user.
func TestUnitsDoNotShareAnAddress(t *testing.T) {
	taken := map[string]string{config.Default().Listen.Admin: "ship"}
	for _, stage := range []string{"load", "close", "retention", "dashboards"} {
		text, err := os.ReadFile(repository + "deploy/systemd/" + stage + ".env")
		if err != nil {
			t.Fatal(err)
		}
		addr := regexp.MustCompile(`127\.0\.0\.1:[0-9]+`).FindString(string(text))
		if other, ok := taken[addr]; ok || addr == "" {
			t.Errorf("%s has the address %q of %s", stage, addr, other)
		}
		taken[addr] = stage
		if !slices.Contains(storeUsers, stage) {
			continue
		}
		drop, err := os.ReadFile(repository + "deploy/systemd/throng@" + stage + ".service.d/store.conf")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"THRONG_STORE_USER=" + stage + " ", "LoadCredential=store:/etc/throng/" + stage + ".password\n"} {
			if !strings.Contains(string(drop), want) {
				t.Errorf("%s: the drop-in lacks %q", stage, want)
			}
		}
	}
}

func TestComposeBoundsEachService(t *testing.T) {
	for name, s := range readCompose(t).Services {
		if s.MemLimit == "" || s.Healthcheck == nil || s.Restart == "" || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s lacks a limit, a health check, a restart or dropped capabilities: %+v", name, s)
		}
		if s.Image != "throng-stages" && !versioned.MatchString(s.Image) {
			t.Errorf("%s: the version of %s is not pinned", name, s.Image)
		}
	}
}

var versioned = regexp.MustCompile(`:v?[0-9]+\.[0-9]+(\.[0-9]+)?$`)

func TestDockerAcceptsTheComposeFile(t *testing.T) {
	if out, err := exec.Command("docker", "compose", "version").CombinedOutput(); err != nil {
		t.Skipf("skipped: docker compose does not run here (%v: %s); .ci/compose checks the file with compose-go", err, strings.TrimSpace(string(out)))
	}
	cmd := exec.Command("docker", "compose", "config", "--quiet")
	cmd.Dir = repository
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("docker compose config: %v\n%s", err, out)
	}
}
