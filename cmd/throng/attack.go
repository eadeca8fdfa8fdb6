package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"throng"
	"throng/aggregate/attack"
	"throng/dashboards"
)

type attackCommand struct {
	Dir  string `arg:"" placeholder:"DIR" help:"A directory with releases/: a bundle of throng publish, or a state directory."`
	Own  string `placeholder:"CSV" help:"Numbers that you have from elsewhere (site,table,period,key,column,value; column is visits, opted_out_visits, remaining_visits, or bots without a key)."`
	JSON bool   `help:"Write what was found as JSON."`
}

func (attackCommand) Help() string {
	return "Plays the attacker: takes every published number of the whole history, days, spans, months and tables together, and looks for\n" +
		"every sum or difference that gives the number of a group that never passed the gate. With --own it also uses what you know\n" +
		"yourself, such as an exact count of visits by those who did not opt out.\n\n" +
		"Exit code: 0 nothing was found, 1 a group was, 2 the command line is wrong, 3 it could not be read.\n\n" +
		"Example:\n  throng attack /var/lib/throng"
}

func (c attackCommand) Run(a *app, ctx context.Context) error {
	releases, err := readReleases(ctx, c.Dir)
	if err != nil {
		return unreadError{fmt.Errorf("attack: %w", err)}
	}
	own, err := c.own()
	if err != nil {
		return usageError{fmt.Errorf("attack: %w", err)}
	}
	s, err := attack.FromReleases(releases, own)
	if err != nil {
		return usageError{fmt.Errorf("attack: %w", err)}
	}
	k := int64(throng.MinDevices)
	for _, r := range releases {
		k = min(k, r.Parameters.K)
	}
	found, err := s.Attack(s.Published(float64(k)))
	if err != nil {
		return err
	}
	found = append(found, attack.Crossings(releases)...)
	found = append(found, attack.Shares(releases, own)...)
	if c.JSON {
		out := json.NewEncoder(a.out)
		out.SetIndent("", "\t")
		err = out.Encode(append([]attack.Finding{}, found...))
	} else {
		err = printFindings(a.out, releases, s, found)
	}
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("attack: what is published gives groups away that nothing shows to be of %s devices: %d", thousands(uint64(k)), len(found))
	}
	return err
}

func readReleases(ctx context.Context, dir string) ([]*throng.Release, error) {
	root := filepath.Join(dir, throng.ReleasesName)
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	files := dashboards.NewFiles(os.DirFS(root), nil)
	ids, err := files.List(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(ids, func(x, y throng.ReleaseID) int { return strings.Compare(x.String(), y.String()) })
	var releases []*throng.Release
	for _, id := range ids {
		r, err := files.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		releases = append(releases, r.Release)
	}
	return releases, nil
}

// own reads the attacker's own numbers.
func (c attackCommand) own() ([]attack.Own, error) {
	if c.Own == "" {
		return nil, nil
	}
	f, err := os.Open(c.Own)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	table := csv.NewReader(f)
	table.FieldsPerRecord = 6
	var own []attack.Own
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return own, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", c.Own, err)
		}
		line, _ := table.FieldPos(0)
		if line == 1 && row[0] == "site" {
			continue
		}
		period, err := throng.ParsePeriod(row[2])
		if err != nil {
			return nil, fmt.Errorf("read %s: line %d: %w", c.Own, line, err)
		}
		value, err := strconv.ParseFloat(row[5], 64)
		if err != nil {
			return nil, fmt.Errorf("read %s: line %d: the value is no number", c.Own, line)
		}
		own = append(own, attack.Own{Site: row[0], Table: row[1], Period: period, Key: row[3], Of: attack.Column(row[4]), Value: value})
	}
}

func printFindings(w io.Writer, releases []*throng.Release, s *attack.System, found []attack.Finding) error {
	shares := 0
	for _, r := range releases {
		if _, ok := r.BotPercent.Estimate(); ok {
			shares++
		}
	}
	fmt.Fprintf(w, "%d releases: %d published numbers over %d groups that they tell apart; shares of bots: %d\n", len(releases), s.Numbers(), s.Atoms(), shares)
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "ok: no sum or difference of them is the number of a group that did not pass the gate")
		return err
	}
	for _, f := range found {
		fmt.Fprintf(w, "\nFOUND  %s\n", f.Group)
		if f.Kind == attack.Bounded {
			fmt.Fprintf(w, "       has between %.0f and %.0f\n", f.Low, f.High)
			continue
		}
		fmt.Fprintf(w, "       has %.0f ± %.0f visits:\n", f.Estimate, 1.96*f.Sigma)
		for _, t := range f.Terms {
			fmt.Fprintf(w, "       %+g × %s\n", t.Factor, t.Number)
		}
	}
	return nil
}
