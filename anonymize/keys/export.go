package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"throng"
)

const exportFormat = "throng/keys/1"

// exported is a state on its way to another machine. Only the current key travels: with the previous
// one, the copy would have to expire with it.
type exported struct {
	Format   string    `json:"format"`
	Span     string    `json:"span"`
	Key      string    `json:"key"`
	Expires  time.Time `json:"expires"`
	Checksum string    `json:"checksum"`
}

// sum is the first 16 bytes of SHA-256 over the other fields, against slips of the hand; it
// authenticates nothing.
func (e *exported) sum() string {
	h := sha256.Sum256([]byte(e.Format + "\n" + e.Span + "\n" + e.Key + "\n" + e.Expires.UTC().Format(time.RFC3339)))
	return hex.EncodeToString(h[:16])
}

// Export is the current key as JSON, for another machine that reads the same site's logs. It is a
// secret. The copy expires after validFor, or when its span ends, whichever is first; it must be
// destroyed then. The time of expiry is given back for the inventory of copies.
func (r *Ratchet) Export(validFor time.Duration) (data []byte, expires time.Time, err error) {
	now := r.clock.Now().UTC()
	if err := r.Advance(now); err != nil {
		return nil, time.Time{}, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	expires = now.Add(validFor).Truncate(time.Second)
	if end := r.state.current.Last().End(); expires.After(end) {
		expires = end
	}
	if !expires.After(now) {
		return nil, time.Time{}, errors.New("export keys: the copy would expire at once")
	}
	e := exported{Format: exportFormat, Span: r.state.current.String(), Key: hex.EncodeToString(r.state.key[:]), Expires: expires}
	e.Checksum = e.sum()
	data, err = json.MarshalIndent(e, "", "  ")
	return append(data, '\n'), expires, err
}

// Import creates the state file at path from what [Ratchet.Export] made. It refuses an export that
// has expired, is of a span that is not the current one, or was altered, and it refuses to
// overwrite: where the file exists, the error matches [io/fs.ErrExist].
func Import(path string, data []byte, now time.Time) error {
	s, err := parseExport(data, now)
	if err == nil {
		err = create(path, &s)
	}
	if err != nil {
		return fmt.Errorf("import keys: %w", err)
	}
	return nil
}

func parseExport(data []byte, now time.Time) (state, error) {
	var e exported
	if json.Unmarshal(data, &e) != nil { // its error could quote the key
		return state{}, errors.New("not an export")
	}
	span := throng.SpanOf(throng.DayOf(now))
	k, err := hex.DecodeString(e.Key)
	switch {
	case e.Format != exportFormat:
		return state{}, errors.New("not an export of this version")
	case err != nil || len(k) != keyBytes || e.Checksum != e.sum():
		return state{}, errors.New("the export was altered")
	case !now.Before(e.Expires):
		return state{}, fmt.Errorf("the export expired at %s", e.Expires.Format(time.RFC3339))
	case e.Span != span.String():
		return state{}, fmt.Errorf("the export is of the span %.24q, now is %s", e.Span, span)
	}
	return state{current: span, key: key(k)}, nil
}
