package ingest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"throng/internal/durable"
)

// Refusal counts noted lines of one feed and reason by what would become of them now.
type Refusal struct {
	Feed    string  `json:"feed"`
	Reason  string  `json:"reason"`
	Outcome Outcome `json:"outcome"`
	Lines   int     `json:"lines"`
}

// Redrive is what can be done about the lines that are noted in the quarantine.
type Redrive struct {
	Refusals []Refusal
	// Pending says that an earlier redrive did not end; it is finished before anything else, as it was begun.
	Pending bool

	o     *Rereader
	batch []batch
}

// batch are lines of one source that are delivered together. It is on the device before it is delivered, so that the
// same lines are delivered under the same key again after a crash, whatever the configuration says by then.
type batch struct {
	Source    string   `json:"source"`
	Feed      string   `json:"feed"`
	Positions []uint64 `json:"positions"`
}

// batchLines bounds a batch; the lines of one fit in a block.
const batchLines = 1000

// planName is the file of a redrive that was begun.
const planName = "redrive"

// Redrive reads the lines again that are noted in the quarantine, as the configuration says now. It changes nothing.
func (o *Rereader) Redrive() (*Redrive, error) {
	r := &Redrive{o: o}
	err := r.loadPlan()
	if r.Pending || err != nil {
		return r, err
	}
	journals, err := o.journals()
	if err != nil {
		return nil, err
	}
	notes, err := o.notes()
	if err != nil {
		return nil, err
	}
	for len(notes) > 0 {
		n := slices.IndexFunc(notes, func(x note) bool { return x.Source != notes[0].Source })
		if n < 0 {
			n = len(notes)
		}
		if err := r.source(journals[notes[0].Source], notes[:n]); err != nil {
			return nil, err
		}
		notes = notes[n:]
	}
	slices.SortFunc(r.Refusals, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.Feed, b.Feed), cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Outcome, b.Outcome))
	})
	return r, nil
}

// notes are all notes, by source and position, each once.
func (o *Rereader) notes() ([]note, error) {
	paths, err := filepath.Glob(filepath.Join(o.Quarantine, "*.ndjson"))
	if err != nil {
		return nil, fmt.Errorf("read quarantine: %w", err)
	}
	var all []note
	for _, path := range paths {
		if err := eachNote(path, func(_ []byte, n note) { all = append(all, n) }); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b note) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Position, b.Position))
	})
	return slices.CompactFunc(all, func(a, b note) bool { return a.Source == b.Source && a.Position == b.Position }), nil
}

// eachNote reads a file of notes. A last line that a crash cut off is no note.
func eachNote(path string, take func(line []byte, n note)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) { // retention has deleted it meanwhile
		return nil
	}
	if err != nil {
		return fmt.Errorf("read quarantine: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); ; {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return fmt.Errorf("read quarantine: %w", err)
			}
			return nil
		}
		var n note
		if json.Unmarshal(lines.Bytes(), &n) == nil && n.Source != "" {
			take(lines.Bytes(), n)
		}
	}
}

// source judges the noted lines of one source.
func (r *Redrive) source(j *journal, notes []note) error {
	feed, known := r.o.feed(notes[0].Feed)
	if j == nil || !known {
		r.countAll(notes, NotOfAFile)
		return nil
	}
	file, err := r.o.open(j, feed)
	if err != nil {
		outcome, err := outcomeOf(err)
		if err == nil {
			r.countAll(notes, outcome)
		}
		return err
	}
	defer file.f.Close()
	lines, err := file.walk()
	if err != nil {
		return err
	}
	defer lines.close()
	var readable []uint64
	for _, n := range notes {
		line, err := lines.lineAt(n.Position)
		if err != nil {
			return err
		}
		outcome, _ := lines.judge(line)
		if outcome == Readable {
			readable = append(readable, n.Position)
		}
		r.count(n, outcome)
	}
	for some := range slices.Chunk(readable, batchLines) {
		r.batch = append(r.batch, batch{notes[0].Source, notes[0].Feed, some})
	}
	return nil
}

// lineAt is the line at a position, which is not before the last one's; empty where the file ends before it.
func (t *passage) lineAt(position uint64) ([]byte, error) {
	if err := t.skipTo(position); err != nil {
		return nil, err
	}
	return t.line()
}

func (r *Redrive) countAll(notes []note, o Outcome) {
	for _, n := range notes {
		r.count(n, o)
	}
}

func (r *Redrive) count(n note, o Outcome) {
	i := slices.IndexFunc(r.Refusals, func(x Refusal) bool { return x.Feed == n.Feed && x.Reason == n.Reason && x.Outcome == o })
	if i < 0 {
		i, r.Refusals = len(r.Refusals), append(r.Refusals, Refusal{n.Feed, n.Reason, o, 0})
	}
	r.Refusals[i].Lines++
}

// Lines is the number of lines that Run delivers.
func (r *Redrive) Lines() (n int) {
	for _, b := range r.batch {
		n += len(b.Positions)
	}
	return n
}

// Run delivers the readable lines through shippers made by shipper, one feed after the other, each of which gets its
// lines through Feed.Receive, and then takes the notes of them away. Killed at any instant and run again, it counts
// each line once.
func (r *Redrive) Run(ctx context.Context, shipper func(Feed) (*Shipper, error)) error {
	if len(r.batch) == 0 {
		return nil
	}
	if err := r.writePlan(); err != nil {
		return err
	}
	for _, name := range r.feeds() {
		feed, known := r.o.feed(name)
		if !known {
			return fmt.Errorf("redrive: source %s, of which lines are under way, is no longer configured: put it back until they are delivered", name)
		}
		files := feed.Globs
		feed.Globs, feed.Silent = nil, true
		feed.Receive = func(ctx context.Context, in *Inbox) error {
			lines := feed
			lines.Globs = files
			return r.deliver(ctx, lines, in)
		}
		s, err := shipper(feed)
		if err == nil {
			err = s.Run(ctx)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("redrive: %w", err)
		}
	}
	return r.forget()
}

func (r *Redrive) feeds() (names []string) {
	for _, b := range r.batch {
		if !slices.Contains(names, b.Feed) {
			names = append(names, b.Feed)
		}
	}
	return names
}

// deliver delivers the batches of one feed.
func (r *Redrive) deliver(ctx context.Context, feed Feed, in *Inbox) error {
	journals, err := r.o.journals()
	if err != nil {
		return err
	}
	for _, b := range r.batch {
		if b.Feed != feed.Name {
			continue
		}
		j := journals[b.Source]
		if j == nil {
			return fmt.Errorf("deliver lines again: the checkpoint of source %s is gone", b.Source)
		}
		body, err := r.body(j, feed, b)
		if err != nil {
			return fmt.Errorf("deliver lines again: %w", err)
		}
		// With the position: equal lines elsewhere are others.
		if err := in.Deliver(ctx, fmt.Sprintf("redrive %s %d", b.Source, b.Positions[0]), body); err != nil {
			return err
		}
	}
	return nil
}

// body are the lines of a batch, each behind the directives that it is read by, where these are others than those
// of the line before.
func (r *Redrive) body(j *journal, feed Feed, b batch) ([]byte, error) {
	file, err := r.o.open(j, feed)
	if err != nil {
		return nil, err
	}
	defer file.f.Close()
	lines, err := file.walk()
	if err != nil {
		return nil, err
	}
	defer lines.close()
	var body, last []byte
	for _, at := range b.Positions {
		if err := lines.skipTo(at); err != nil {
			return nil, err
		}
		if now := lines.preamble.Lines(); !bytes.Equal(now, last) {
			body, last = append(body, now...), now
		}
		line, err := lines.line()
		if err != nil {
			return nil, err
		}
		body = append(append(body, bytes.TrimRight(line, "\n")...), '\n')
	}
	return body, nil
}

func (r *Redrive) loadPlan() error {
	b, err := os.ReadFile(filepath.Join(r.o.Dir, planName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r.batch)
	}
	if err != nil {
		return fmt.Errorf("read what an earlier redrive has begun: %w", err)
	}
	r.Pending = true
	return nil
}

func (r *Redrive) writePlan() error {
	b, err := json.Marshal(r.batch)
	if err == nil {
		err = durable.WriteFile(filepath.Join(r.o.Dir, planName), append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("redrive: write down what is delivered: %w", err)
	}
	return nil
}

// forget takes away the notes of what was delivered, then the plan.
func (r *Redrive) forget() error {
	type line struct {
		source   string
		position uint64
	}
	done := map[line]bool{}
	for _, b := range r.batch {
		for _, at := range b.Positions {
			done[line{b.Source, at}] = true
		}
	}
	paths, err := filepath.Glob(filepath.Join(r.o.Quarantine, "*.ndjson"))
	if err != nil {
		return fmt.Errorf("redrive: %w", err)
	}
	for _, path := range paths {
		var left []byte
		fewer := false // else it is left alone, and one that retention has deleted meanwhile stays away
		err := eachNote(path, func(text []byte, n note) {
			if done[line{n.Source, n.Position}] {
				fewer = true
				return
			}
			left = append(append(left, text...), '\n')
		})
		if err == nil && fewer {
			err = durable.WriteFile(path, left)
		}
		if err != nil {
			return fmt.Errorf("redrive: %w", err)
		}
	}
	if err := os.Remove(filepath.Join(r.o.Dir, planName)); err != nil {
		return fmt.Errorf("redrive: %w", err)
	}
	return durable.SyncDir(r.o.Dir)
}
