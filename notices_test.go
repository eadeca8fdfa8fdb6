package throng_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestNoticesNameEveryLinkedModule(t *testing.T) {
	notices, err := os.ReadFile("THIRD_PARTY_NOTICES.md")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} | {{.Version}}{{end}}{{end}}", "./cmd/throng")
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list linked modules: %v", err)
	}
	modules := strings.Fields(strings.ReplaceAll(string(out), " | ", "|"))
	if len(modules) == 0 {
		t.Fatal("no module is linked")
	}
	for _, m := range modules {
		if row := "| " + strings.ReplaceAll(m, "|", " | ") + " |"; !strings.Contains(string(notices), row) {
			t.Errorf("THIRD_PARTY_NOTICES.md has no row %q: run make notices", row)
		}
	}
}

// What may be linked is decided by the licence's text: those that would bind the whole program, or limit its use, and those
// that nobody has read yet, stop `make notices`.
func TestForbiddenLicencesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
	}{
		"MIT":            {"Permission is hereby granted, free of charge, to any person", "MIT"},
		"Apache":         {"Apache License\nVersion 2.0, January 2004", "Apache-2.0"},
		"GPL":            {"                    GNU GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007", ""},
		"AGPL":           {"GNU AFFERO GENERAL PUBLIC LICENSE\n", ""},
		"LGPL":           {"GNU LESSER GENERAL PUBLIC LICENSE\n", ""},
		"BUSL":           {"Business Source License 1.1\nChange License: Apache License, Version 2.0", ""},
		"Commons Clause": {"Apache License\n\"Commons Clause\" License Condition v1.0", ""},
		"unread":         {"You may look at this.", ""},
	} {
		file := filepath.Join(t.TempDir(), "LICENSE")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "scripts/notices.sh", "kinds", file).Output()
		if got := strings.TrimSpace(string(out)); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s is %q, want %q: %v", name, got, c.want, err)
		}
	}
}

// The file is what the script makes: every licence in it was recognised and is allowed.
func TestNoticesAreThoseOfTheScript(t *testing.T) {
	want, err := os.ReadFile("THIRD_PARTY_NOTICES.md")
	if err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command("sh", "scripts/notices.sh").Output()
	if err != nil {
		t.Fatalf("make notices: %v", err)
	}
	table := func(b []byte) string { // texts can change with Go's own version
		s, _, _ := strings.Cut(string(b), "## Texts")
		return regexp.MustCompile(`(?m)^\| std \|.*$`).ReplaceAllString(s, "")
	}
	if table(got) != table(want) {
		t.Error("THIRD_PARTY_NOTICES.md is out of date: run make notices")
	}
}
