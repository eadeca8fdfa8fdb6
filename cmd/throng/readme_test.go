package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"throng/internal/config"
)

// The README's commands are taken by the command line and its configuration by `config check`.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range fenced(string(text), "sh") {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, "#")
			_, args, ok := strings.Cut(line, "bin/throng ")
			if !ok {
				continue
			}
			commands++
			checkCommand(t, strings.Fields(args))
		}
	}
	if commands < 10 {
		t.Errorf("the README has %d commands; did its form change?", commands)
	}
	for _, block := range fenced(string(text), "yaml") {
		path := filepath.Join(t.TempDir(), "throng.yaml")
		if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(path, nil); err != nil {
			t.Errorf("the configuration is refused: %v", err)
		}
		if n := strings.Count(block, "\n"); n > 16 {
			t.Errorf("the configuration has %d lines", n)
		}
	}
}

// fenced are the code blocks of a language.
func fenced(text, language string) (blocks []string) {
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

func checkCommand(t *testing.T, args []string) {
	t.Helper()
	parser, err := newParser(streams{strings.NewReader(""), io.Discard, io.Discard}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Errorf("throng %s: %v", strings.Join(args, " "), err)
	}
}
