package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"throng/anonymize"
	"throng/anonymize/score"
)

type agentsCommand struct {
	Show  agentsShow  `cmd:"" help:"Show what is kept of user agents."`
	Score agentsScore `cmd:"" help:"Measure families, systems and bots against the lists of others."`
}

func (agentsCommand) Help() string {
	return "docs/user-agents.md describes the vocabulary, and how bots are told from people.\n\n" +
		"Example:\n  echo 'curl/8.5.0' | throng agents show"
}

type agentsShow struct{}

func (agentsShow) Help() string {
	return "Reads user agents from standard input, one a line, and writes one JSON object a line.\n\n" +
		"Example:\n  echo 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' | throng agents show"
}

// shownAgent is the form in which an agent is shown; the names are those of events.
type shownAgent struct {
	Client string `json:"client"`
	Major  uint16 `json:"client_major,omitempty"`
	OS     string `json:"os"`
	Bot    string `json:"bot,omitempty"`
}

func (agentsShow) Run(a *app) error {
	in, out := bufio.NewReaderSize(a.in, maxShownLine), bufio.NewWriter(a.out)
	enc := json.NewEncoder(out)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return out.Flush()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		agent := anonymize.GeneralizeAgent(bytes.TrimRight(line, "\r\n"))
		if err := enc.Encode(shownAgent{agent.Client.String(), agent.Major, agent.OS.String(), agent.Bot.String()}); err != nil {
			return fmt.Errorf("write line %d: %w", n, err)
		}
	}
}

type agentsScore struct {
	Files  []string `arg:"" name:"file" help:"Lists: test_ua.yaml and test_os.yaml of ua-parser, crawler-user-agents.json of monperrus."`
	Misses bool     `help:"List the user agents that did not come out as their list says."`
}

func (agentsScore) Help() string {
	return "The lists are told apart by what is in them; docs/user-agents.md defines each figure. Nothing of a list is\n" +
		"needed to run Throng.\n\n" +
		"Example:\n  throng agents score test_ua.yaml test_os.yaml crawler-user-agents.json"
}

func (c agentsScore) Run(a *app) error {
	var lists score.Lists
	for _, name := range c.Files {
		file, err := os.ReadFile(name)
		if err != nil {
			return usageError{fmt.Errorf("read list: %w", err)}
		}
		if err := lists.Read(file); err != nil {
			return usageError{fmt.Errorf("%s: %w", name, err)}
		}
	}
	r := lists.Score()
	w := bufio.NewWriter(a.out)
	for _, f := range []struct {
		name string
		score.Ratio
	}{
		{"family", r.Family}, {"family and major", r.Major},
		{"family, of those in the vocabulary", r.KnownFamily}, {"family and major, of those in the vocabulary", r.KnownMajor},
		{"operating system", r.System}, {"crawlers found (recall)", r.Recall}, {"browsers taken for bots", r.FalsePositives},
	} {
		if f.Whole > 0 {
			fmt.Fprintf(w, "%-45s%6.2f %%  %d of %d\n", f.name, f.Percent(), f.Part, f.Whole)
		}
	}
	fmt.Fprintf(w, "%-55s%d of %d inputs\n", "distinct outputs", r.Outputs, r.Inputs)
	if c.Misses {
		for _, m := range r.Misses {
			fmt.Fprintf(w, "%s: want %s, got %s: %s\n", m.Figure, m.Want, m.Got, m.UserAgent)
		}
	}
	return w.Flush()
}
