package config_test

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// goreleaser is what of .goreleaser.yaml has a counterpart here.
type goreleaser struct {
	Builds []struct {
		Main           string
		Env            []string
		Flags, Ldflags []string
	}
	Archives []struct{ Files []string }
	Nfpms    []struct {
		Maintainer, Description, Section, Priority string
		PackageName                                string `yaml:"package_name"`
		Dependencies, Recommends                   []string
		Scripts                                    map[string]string
		Contents                                   []struct{ Src, Dst, Type string }
	}
}

func readGoReleaser(t *testing.T) goreleaser {
	t.Helper()
	text, err := os.ReadFile(repository + ".goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var g goreleaser
	if err := yaml.Unmarshal(text, &g); err != nil || len(g.Builds) != 1 || len(g.Archives) != 1 || len(g.Nfpms) != 1 {
		t.Fatalf("read as %+v, %v", g, err)
	}
	return g
}

// matched are the files of the repository that a pattern is of.
func matched(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(repository + strings.Replace(pattern, "/**/*", "/*", 1))
	if err != nil || len(names) == 0 {
		t.Errorf("%s: there is no such file, %v", pattern, err)
	}
	return names
}

// A release is built and packaged as `make build` and `make package` do.
func TestGoReleaserBuildsTheSame(t *testing.T) {
	g := readGoReleaser(t)
	makefile, err := os.ReadFile(repository + "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	b, p := g.Builds[0], g.Nfpms[0]
	ldflags := strings.Replace(strings.Join(b.Ldflags, " "), "v{{ .Version }}", "$(VERSION)", 1)
	if command := "build " + strings.Join(b.Flags, " ") + " -ldflags '" + ldflags + "' -o bin/throng " + b.Main; !strings.Contains(string(makefile), command) {
		t.Errorf("the Makefile does not %q", command)
	}
	if !slices.Equal(b.Env, []string{"CGO_ENABLED=0"}) {
		t.Errorf("it is built with %v", b.Env)
	}
	for _, name := range g.Archives[0].Files {
		matched(t, name)
	}
	if !slices.Contains(g.Archives[0].Files, "LICENSE") || !slices.Contains(g.Archives[0].Files, "THIRD_PARTY_NOTICES.md") {
		t.Error("archives lack a licence")
	}
	control, err := os.ReadFile(repository + "deploy/debian/control.in")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Package: " + p.PackageName, "Maintainer: " + p.Maintainer, "Section: " + p.Section, "Priority: " + p.Priority, "Depends: " + strings.Join(p.Dependencies, ", "),
		"Recommends: " + strings.Join(p.Recommends, ", "), "Description: " + strings.ReplaceAll(p.Description, "\n", "\n "),
	} {
		if !strings.Contains(string(control), want+"\n") {
			t.Errorf("deploy/debian/control.in lacks %q", want)
		}
	}
	for _, script := range p.Scripts {
		matched(t, script)
	}
}

// TestGoReleaserPackagesTheSame compares the package's files with those of the one that scripts/package.sh has made, of
// which .ci/package gives a list.
func TestGoReleaserPackagesTheSame(t *testing.T) {
	packaged := map[string]bool{"/usr/bin/throng": true}
	for _, c := range readGoReleaser(t).Nfpms[0].Contents {
		for _, name := range matched(t, c.Src) {
			packaged[c.Dst+path.Base(filepath.ToSlash(name))] = true
			if strings.HasPrefix(c.Dst, "/etc/") != strings.HasPrefix(c.Type, "config") {
				t.Errorf("%s is of type %q", c.Dst, c.Type)
			}
		}
	}
	list := os.Getenv("THRONG_PACKAGE_FILES")
	if list == "" {
		t.Skip("skipped: THRONG_PACKAGE_FILES is not set; .ci/package sets it to the list of the files of a package")
	}
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	otherwise := map[string]string{"/usr/share/doc/throng/changelog.gz": "/usr/share/doc/throng/CHANGELOG.md", "/usr/share/doc/throng/sbom.cdx.json": ""}
	for name := range strings.Lines(string(text)) {
		name = strings.TrimSpace(name)
		if other, ok := otherwise[name]; ok {
			name = other
		}
		if name != "" && !packaged[name] {
			t.Errorf("GoReleaser would leave out %s", name)
		}
		delete(packaged, name)
	}
	for name := range packaged {
		t.Errorf("GoReleaser would add %s", name)
	}
}
