package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"throng"
	"throng/internal/durable"
)

// checkpoint is what is known of a source after a crash. It holds no byte of the log: positions,
// counts, the file's name and number, and a keyed hash of its first line.
type checkpoint struct {
	ID     throng.SourceID `json:"-"`
	Source string          `json:"source"`
	Feed   string          `json:"feed"`
	File   file            `json:"file"`
	Format string          `json:"format,omitempty"`
	// Done: every line before this offset is acknowledged by the broker.
	Done uint64 `json:"done"`
	// Pieces were cut at or after Done, in order; where there is a gap, nothing was cut yet.
	Pieces []piece `json:"pieces,omitempty"`
	// Tally counts the lines of what is acknowledged.
	Tally Tally `json:"tally"`
	// Finished: the file was read to its end and is followed no longer.
	Finished time.Time `json:"finished,omitzero"`
}

// file tells one file from another.
type file struct {
	Path   string `json:"path"`
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	// Print is the keyed hash of the first complete line, uncompressed.
	Print string `json:"print"`
	// Packed is the form of a compressed file; positions are of what it holds.
	Packed string `json:"packed,omitempty"`
}

// piece is a range of bytes whose identity is on disk: made again, it makes the same blocks.
type piece struct {
	Start uint64 `json:"start"`
	End   uint64 `json:"end"`
	Acked bool   `json:"acked,omitempty"`
	// Days are those whose blocks are made again, where the store has the range's others; absent are all.
	Days []throng.Day `json:"days,omitempty"`
}

// journal keeps the checkpoint of one source. It is safe for concurrent use: workers cut and the
// senders acknowledge.
type journal struct {
	path string // "" keeps it in memory: a source that cannot be read again needs no checkpoint
	// store keeps it elsewhere than at path.
	store func(*checkpoint) error

	mu    sync.Mutex // guards what follows and the order of writes
	cp    checkpoint
	acked chan struct{} // closed at the next acknowledgement; nil while nobody waits for it
}

// cut makes a piece's identity durable. A piece that is known already is left as it is.
func (j *journal) cut(start, end uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	i, known := slices.BinarySearchFunc(j.cp.Pieces, start, func(p piece, s uint64) int {
		return int(int64(p.Start) - int64(s))
	})
	if known {
		if j.cp.Pieces[i].End != end {
			return fmt.Errorf("cut source %s at %d: it was cut there before with another end", j.cp.ID, start)
		}
		return nil
	}
	j.cp.Pieces = slices.Insert(j.cp.Pieces, i, piece{Start: start, End: end})
	if err := j.save(); err != nil {
		j.cp.Pieces = slices.Delete(j.cp.Pieces, i, i+1) // the next try has to write it
		return err
	}
	return nil
}

// ack records that the broker has the blocks of a piece.
func (j *journal) ack(start uint64, t Tally) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.cp.Pieces {
		if p := &j.cp.Pieces[i]; p.Start == start && !p.Acked { // else an earlier try could not be written
			p.Acked, p.Days = true, nil
			j.cp.Tally.Add(t)
		}
	}
	j.cp.Pieces = joinAcked(j.cp.Pieces)
	for len(j.cp.Pieces) > 0 && j.cp.Pieces[0].Acked && j.cp.Pieces[0].Start == j.cp.Done {
		j.cp.Done = j.cp.Pieces[0].End
		j.cp.Pieces = slices.Delete(j.cp.Pieces, 0, 1)
	}
	if err := j.save(); err != nil {
		return err
	}
	if j.acked != nil {
		close(j.acked)
		j.acked = nil
	}
	return nil
}

// joinAcked makes one piece of acknowledged neighbours: none of them is made again, so their ends mean
// nothing any more, and a checkpoint is no longer than what is under way.
func joinAcked(all []piece) []piece {
	joined := all[:0]
	for _, p := range all {
		if n := len(joined); n > 0 && p.Acked && joined[n-1].Acked && joined[n-1].End == p.Start {
			joined[n-1].End = p.End
		} else {
			joined = append(joined, p)
		}
	}
	return joined
}

// await waits until every line before an offset is acknowledged.
func (j *journal) await(ctx context.Context, offset uint64) error {
	for {
		j.mu.Lock()
		if j.cp.Done >= offset {
			j.mu.Unlock()
			return nil
		}
		if j.acked == nil {
			j.acked = make(chan struct{})
		}
		acked := j.acked
		j.mu.Unlock()
		select {
		case <-acked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle waits until fewer than n pieces are noted.
func (j *journal) settle(ctx context.Context, n int) error {
	for {
		j.mu.Lock()
		done, few := j.cp.Done, len(j.cp.Pieces) < n
		j.mu.Unlock()
		if few {
			return nil
		}
		if err := j.await(ctx, done+1); err != nil {
			return err
		}
	}
}

// update changes the checkpoint durably.
func (j *journal) update(change func(*checkpoint)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.cp)
	return j.save()
}

// save writes the checkpoint; the caller holds mu.
func (j *journal) save() error {
	if j.store != nil {
		return j.store(&j.cp)
	}
	if j.path == "" {
		return nil
	}
	b, err := json.Marshal(&j.cp)
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := durable.WriteFile(j.path, append(b, '\n')); err != nil {
		return &throng.Retryable{Err: fmt.Errorf("write checkpoint: %w", err)}
	}
	return nil
}

// span is a range still to be read. A recut one was cut before and has to be made again as it was;
// an open one has no end yet.
type span struct {
	start, end uint64
	recut      bool
	days       []throng.Day // of a piece
	open       bool
	final      bool // the file is complete: an unterminated last line is a line
}

// todo lists, in order, what of the source is not acknowledged.
func (cp *checkpoint) todo() []span {
	var out []span
	at := cp.Done
	for _, p := range cp.Pieces {
		if p.Start > at {
			out = append(out, span{start: at, end: p.Start})
		}
		if !p.Acked {
			out = append(out, span{start: p.Start, end: p.End, recut: true, days: p.Days})
		}
		at = p.End
	}
	return append(out, span{start: at, open: true})
}

const checkpointSuffix = ".json"

// loadJournals reads the checkpoints in dir.
func loadJournals(dir string) ([]*journal, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	var js []*journal
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), checkpointSuffix) {
			continue
		}
		j, err := loadJournal(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		js = append(js, j)
	}
	return js, nil
}

func loadJournal(path string) (*journal, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	j := &journal{path: path}
	if err := json.Unmarshal(b, &j.cp); err != nil {
		return nil, fmt.Errorf("read checkpoint %s: %w; restore it, or move it away to read its file again from the start", path, err)
	}
	if j.cp.ID, err = throng.ParseSourceID(j.cp.Source); err != nil {
		return nil, fmt.Errorf("read checkpoint %s: %w", path, err)
	}
	return j, nil
}

// newJournal starts a source that was not seen before. dir "" keeps its checkpoint in memory.
func newJournal(dir, feed string, id throng.SourceID, f file) *journal {
	j := &journal{cp: checkpoint{ID: id, Source: id.String(), Feed: feed, File: f}}
	if dir != "" {
		j.path = filepath.Join(dir, id.String()+checkpointSuffix)
	}
	return j
}

// todo lists, in order, what of the source is not acknowledged.
func (j *journal) todo() []span {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.cp.todo()
}

// done is the offset before which all is acknowledged.
func (j *journal) done() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.cp.Done
}
