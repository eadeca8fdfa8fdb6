package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"throng/dashboards/wellknown"
	"throng/internal/config"
)

type wellKnownCommand struct {
	Check wellKnownCheck `cmd:"" help:"Check what a site answers about visitors' signals."`
}

func (wellKnownCommand) Help() string {
	return "Example:\n  throng wellknown check https://www.example.org/"
}

type wellKnownCheck struct {
	URL     string               `arg:"" placeholder:"URL" help:"A page of the site."`
	Without []wellknown.Resource `enum:"policy,status,tk,gpc" placeholder:"NAME" help:"What the site does not claim to have: policy, status, tk, gpc."`
	JSON    bool                 `help:"Write the report as JSON."`
}

func (wellKnownCheck) Help() string {
	return "Asks a site as a browser with DNT: 1 and Sec-GPC: 1 does, and as one without, for EFF's Do Not Track policy, the tracking\n" +
		"status, the Tk field of the page, and gpc.json, and compares the answers with the specifications: hashes, content types,\n" +
		"redirects, cookies, caching, values. It sends at most 32 requests and no cookie.\n\n" +
		"Exit code: 0 nothing is wrong, 1 something is, 2 the command line is wrong, 3 the site does not answer.\n\n" +
		"Example:\n  throng wellknown check https://www.example.org/ --without policy"
}

// askTimeout bounds one answer of a site.
const askTimeout = 15 * time.Second

func (c wellKnownCheck) Run(a *app, ctx context.Context) error {
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return usageError{fmt.Errorf("wellknown check: %q is not an address: want https://HOST/ or http://HOST/", c.URL)}
	}
	if base.Path == "" {
		base.Path = "/"
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout, transport.DisableCompression = askTimeout, true
	defer transport.CloseIdleConnections()
	report, err := wellknown.Check(ctx, wellknown.CheckOptions{Base: base, Transport: transport, Now: a.clock.Now(), Without: c.Without})
	if err != nil {
		return unreadError{err}
	}
	if c.JSON {
		out := json.NewEncoder(a.out)
		out.SetIndent("", "\t")
		err = out.Encode(report)
	} else {
		err = printAnswers(a.out, report)
	}
	if err == nil && !report.Holds() {
		err = fmt.Errorf("wellknown check: %s does not answer as the specifications say", base.Host)
	}
	return err
}

func printAnswers(w io.Writer, r *wellknown.Report) error {
	var err error
	line := func(format string, args ...any) {
		_, e := fmt.Fprintf(w, format, args...)
		err = errors.Join(err, e)
	}
	for _, f := range r.Findings {
		state := "ok   "
		if len(f.Faults) > 0 {
			state = "FAULT"
		}
		line("%s  %-6s %s\n", state, f.Resource, f.Address)
		if f.Says != "" {
			line("       says    %s\n", f.Says)
		}
		for _, fault := range f.Faults {
			line("       fault   %s\n", fault)
		}
		for _, note := range f.Notes {
			line("       note    %s\n", note)
		}
	}
	return err
}

// wellKnown are the configured well-known resources.
func wellKnown(c config.WellKnown) (*wellknown.Handler, error) {
	o := wellknown.Options{OptedOut: wellknown.Value(c.Tracking.OptedOut), Requests: map[string]wellknown.Value{}}
	for id, value := range c.Tracking.Requests {
		o.Requests[id] = wellknown.Value(value)
	}
	if t := c.Tracking; t.Status != "" {
		o.Status = &wellknown.Status{Tracking: wellknown.Value(t.Status), Compliance: t.Compliance, Qualifiers: t.Qualifiers, Controller: t.Controller,
			SameParty: t.SameParty, Audit: t.Audit, Policy: t.Policy, Config: t.Config}
	}
	if c.GPCUpdated != "" {
		o.GPC = &wellknown.GPC{Honoured: c.GPC, Updated: configuredDay(c.GPCUpdated)}
	}
	if c.DNTPolicyFile != "" {
		text, err := os.ReadFile(c.DNTPolicyFile)
		if err != nil {
			return nil, fmt.Errorf("well_known.dnt_policy_file: %w", err)
		}
		if o.Policy, err = wellknown.NewPolicy(text, configuredDay(c.DNTPolicyAsserted)); err != nil {
			return nil, fmt.Errorf("well_known.dnt_policy_file: %s: %w", c.DNTPolicyFile, err)
		}
	}
	h, err := wellknown.New(o)
	if err != nil {
		return nil, fmt.Errorf("well_known: %w", err)
	}
	return h, nil
}

// configuredDay is the start of a day that the configuration has checked.
func configuredDay(text string) time.Time {
	t, _ := time.Parse(time.DateOnly, text)
	return t
}

// warnOfPolicy says what has to be done about the policy by now; "" is nothing.
func warnOfPolicy(h *wellknown.Handler, now time.Time) string {
	p := h.Policy()
	switch {
	case p == nil || !p.Soon(now):
		return ""
	case p.Overdue(now):
		return fmt.Sprintf("EFF's Do Not Track policy had to be asserted again by %s: see that the hosts still comply, and set well_known.dnt_policy_asserted to today", p.Due().Format(time.DateOnly))
	}
	return fmt.Sprintf("EFF's Do Not Track policy has to be asserted again by %s: see that the hosts still comply, then set well_known.dnt_policy_asserted to that day", p.Due().Format(time.DateOnly))
}
