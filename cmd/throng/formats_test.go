package main

import (
	"testing"

	"throng/ingest/accesslog"
	"throng/internal/config"
)

// TestEveryFormatCanBeConfigured holds the names that package config knows to those of the formats.
func TestEveryFormatCanBeConfigured(t *testing.T) {
	for _, name := range append(accesslog.Formats(), "auto", `$remote_addr [$time_local] $status`, `%h %t %>s`) {
		cfg := config.Default()
		cfg.Dir, cfg.Sites = "state", []config.Site{{ID: "a"}}
		source := config.DefaultSource()
		source.Name, source.Site, source.Path, source.Format = "web", "a", "x", name
		cfg.Sources = []config.Source{source}
		if err := cfg.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if problems := formatProblems(cfg); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
