package main

import (
	"fmt"
	"text/tabwriter"

	"throng/ingest/accesslog"
	"throng/internal/config"
)

type formatsCommand struct{}

func (formatsCommand) Help() string {
	return "Lists the names that --format and sources[].format take. docs/formats.md has the configuration of the web server that writes each.\n\n" +
		"Example:\n  throng formats"
}

func (formatsCommand) Run(a *app) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, p := range accesslog.Presets() {
		fmt.Fprintf(w, "%s\t%s\n", p.Name, p.Title)
	}
	return w.Flush()
}

// formatProblems are the formats of sources that cannot be read, of which package config knows no more
// than the names.
func formatProblems(cfg *config.Config) (problems config.Problems) {
	for i, s := range cfg.Sources {
		key := fmt.Sprintf("sources[%d].", i)
		if !accesslog.IsResolved(s.Format) {
			if len(s.Keys) > 0 {
				problems = append(problems, config.Problem{Key: key + "keys", Why: "name the format too, such as json: " + key + "format"})
			}
			continue
		}
		if _, err := accesslog.New(s.Format); err != nil {
			problems = append(problems, config.Problem{Key: key + "format", Why: err.Error()})
		} else if _, err := accesslog.New(accesslog.Keys(s.Keys).With(s.Format)); err != nil {
			problems = append(problems, config.Problem{Key: key + "keys", Why: err.Error()})
		}
	}
	return problems
}
