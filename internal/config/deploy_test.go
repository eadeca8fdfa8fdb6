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
		Environment map[string]any
		Image       string
		Restart     string
		MemLimit    string   `yaml:"mem_limit"`
		CapDrop     []string `yaml:"cap_drop"`
		Healthcheck map[string]any
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
	stages := 0
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
		stages++
		c, err := config.Load(repository+"deploy/throng.compose.yaml", environ)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if c.Broker.Embedded() || c.Store.Embedded() {
			t.Errorf("%s would start an embedded engine", name)
		}
	}
	if stages != 5 {
		t.Errorf("%d services have a THRONG_ variable, want the five stages", stages)
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
