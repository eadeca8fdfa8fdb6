package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"throng"
)

// maxNotes bounds the refused lines of one piece that are noted one by one; all are counted.
const maxNotes = 1000

// reject is a refused line: where it stands and why it was refused. Never its text.
type reject struct {
	position uint64
	reason   string
}

// quarantine notes refused lines in a file a day, quarantine/2006-01-02.ndjson. After a crash a line
// can be noted twice; (source, position) tells.
type quarantine struct {
	dir   string
	clock throng.Clock
	mu    sync.Mutex // one writer at a time
}

type note struct {
	Source   string `json:"source"`
	Feed     string `json:"feed"`
	Position uint64 `json:"position"`
	Reason   string `json:"reason"`
}

// add notes a piece's refused lines.
func (q *quarantine) add(p *parcel) error {
	if len(p.rejects) == 0 {
		return nil
	}
	var out []byte
	for _, r := range p.rejects {
		b, err := json.Marshal(note{p.source.journal.cp.ID.String(), p.source.feed.Name, r.position, r.reason})
		if err != nil {
			return fmt.Errorf("quarantine: %w", err)
		}
		out = append(append(out, b...), '\n')
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	path := filepath.Join(q.dir, throng.DayOf(q.clock.Now()).String()+".ndjson")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return &throng.Retryable{Err: fmt.Errorf("quarantine: %w", err)}
	}
	_, err = f.Write(out)
	if err := errors.Join(err, f.Close()); err != nil {
		return &throng.Retryable{Err: fmt.Errorf("quarantine: %w", err)}
	}
	return nil
}
