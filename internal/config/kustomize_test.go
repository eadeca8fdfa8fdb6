package config_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"throng/internal/config"
)

const kustomize = repository + "deploy/kustomize/"

// manifest is what of a Kubernetes object concerns the stages.
type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Template struct {
			Spec struct {
				SecurityContext struct {
					RunAsNonRoot bool `yaml:"runAsNonRoot"`
				} `yaml:"securityContext"`
				Containers []container
				Volumes    []struct{ Name string }
			}
		}
		VolumeClaimTemplates []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
	}
}

type container struct {
	Name, Image string
	Args        []string
	Env         []struct{ Name, Value string }
	Ports       []struct {
		ContainerPort int `yaml:"containerPort"`
	}
	LivenessProbe   map[string]any `yaml:"livenessProbe"`
	Resources       struct{ Limits map[string]string }
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	VolumeMounts []struct{ Name string } `yaml:"volumeMounts"`
}

// readManifests reads the files that kustomization.yaml names.
func readManifests(t *testing.T) (all []manifest) {
	t.Helper()
	var k struct {
		Resources          []string
		ConfigMapGenerator []struct{ Files []string } `yaml:"configMapGenerator"`
	}
	text, err := os.ReadFile(kustomize + "kustomization.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &k)
	}
	if err != nil || len(k.ConfigMapGenerator) != 1 || !slices.Equal(k.ConfigMapGenerator[0].Files, []string{"throng.yaml"}) {
		t.Fatalf("kustomization.yaml: %+v, %v", k, err)
	}
	files, err := filepath.Glob(kustomize + "*.yaml")
	if err != nil || len(files) != len(k.Resources)+2 {
		t.Errorf("%v are there, and %v are named: %v", files, k.Resources, err)
	}
	for _, name := range k.Resources {
		f, err := os.Open(kustomize + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for d := yaml.NewDecoder(f); ; {
			var m manifest
			if err := d.Decode(&m); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if m.APIVersion == "" || m.Kind == "" || m.Metadata.Name == "" {
				t.Errorf("%s: an object without version, kind or name", name)
			}
			all = append(all, m)
		}
	}
	return all
}

var pinned = regexp.MustCompile(`^[a-z0-9./-]+:[0-9]+(\.[0-9]+)+$`)

func TestKustomizeConfiguresEachStage(t *testing.T) {
	var stages []string
	for _, m := range readManifests(t) {
		spec := m.Spec.Template.Spec
		if len(spec.Containers) > 0 && !spec.SecurityContext.RunAsNonRoot {
			t.Errorf("%s may run as root", m.Metadata.Name)
		}
		volumes := map[string]bool{}
		for _, v := range spec.Volumes {
			volumes[v.Name] = true
		}
		for _, v := range m.Spec.VolumeClaimTemplates {
			volumes[v.Metadata.Name] = true
		}
		admin := map[string]string{}
		for _, c := range spec.Containers {
			stages = append(stages, c.Args[0])
			checkHardened(t, c)
			for _, v := range c.VolumeMounts {
				if !volumes[v.Name] {
					t.Errorf("%s mounts %s, which is no volume", c.Name, v.Name)
				}
			}
			cfg := configured(t, c)
			checkUser(t, c.Args[0], cfg)
			checkMetrics(t, c.Args[0], c.Args, cfg)
			if other, ok := admin[cfg.Listen.Admin]; ok {
				t.Errorf("%s and %s of one pod listen on %s", c.Name, other, cfg.Listen.Admin)
			}
			admin[cfg.Listen.Admin] = c.Name
		}
	}
	slices.Sort(stages)
	if want := []string{"close", "dashboards", "load", "retention"}; !slices.Equal(stages, want) {
		t.Errorf("the stages are %v, want %v", stages, want)
	}
}

func checkHardened(t *testing.T, c container) {
	t.Helper()
	s := c.SecurityContext
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem || !slices.Contains(s.Capabilities.Drop, "ALL") {
		t.Errorf("%s is not hardened: %+v", c.Name, s)
	}
	if c.Resources.Limits["memory"] == "" || c.LivenessProbe == nil {
		t.Errorf("%s has no limit of memory, or no probe", c.Name)
	}
	if !pinned.MatchString(c.Image) {
		t.Errorf("%s: the version of %s is not pinned", c.Name, c.Image)
	}
}

// configured is the configuration that a container's stage reads.
func configured(t *testing.T, c container) *config.Config {
	t.Helper()
	var environ []string
	for _, e := range c.Env {
		environ = append(environ, e.Name+"="+e.Value)
	}
	cfg, err := config.Load(kustomize+"throng.yaml", environ)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	if cfg.Broker.Embedded() || cfg.Store.Embedded() {
		t.Errorf("%s would start an embedded engine", c.Name)
	}
	ports := fmt.Sprint(c.Ports)
	listens := []string{cfg.Listen.Admin}
	if c.Args[0] == "dashboards" {
		listens = append(listens, cfg.Listen.Public)
	}
	for _, l := range listens {
		if port := l[strings.LastIndex(l, ":")+1:]; !strings.Contains(ports, port) {
			t.Errorf("%s listens on %s, and its ports are %s", c.Name, l, ports)
		}
	}
	return cfg
}
