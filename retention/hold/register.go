package hold

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"throng"
	"throng/internal/durable"
)

// Format names the form of the register: JSON lines, each of which holds the SHA-256 of the line before; the
// first holds that of this name.
const Format = "throng/hold-register/1"

// Step is what an entry tells.
type Step string

// The steps of a hold.
const (
	Ordered  Step = "ordered"
	Extended Step = "extended" // a new last day, or the same one and a new review
	Released Step = "released" // before its last day
)

// Entry is a line of the register.
type Entry struct {
	Seq  uint64    `json:"seq"` // from 1, without gap
	Time time.Time `json:"time"`
	Step Step      `json:"step"`
	// Hold is the hold's number, from 1.
	Hold uint32 `json:"hold"`
	// By is the name of who did it.
	By string `json:"by"`
	// Reason and Ticket say why; an extension needs a ticket that the hold did not have before.
	Reason throng.HoldReason `json:"reason,omitempty"`
	Ticket string            `json:"ticket,omitempty"`
	// Review is the day by whose end the hold has to be extended or released, and Until its last day.
	Review throng.Day `json:"review,omitempty"`
	Until  throng.Day `json:"until,omitempty"`
	// Match is [Commitment] of the match, and Share how many of the stored events it takes, both of an order.
	Match string `json:"match,omitempty"`
	Share Share  `json:"share,omitempty"`
	// Prev is the SHA-256 of the line before, without its end, in hexadecimal.
	Prev string `json:"prev"`
}

// Share is a number of events, as coarse as it may be published (method section 6).
type Share string

// The shares.
const (
	None Share = "none"
	Some Share = "some"
	Many Share = "above 1 %"
)

// ShareOf is the share of n events of all.
func ShareOf(n, all uint64) Share {
	switch {
	case n == 0:
		return None
	case n*100 > all:
		return Many
	}
	return Some
}

func wider(a, b Share) Share {
	shares := []Share{None, Some, Many}
	return shares[max(slices.Index(shares, a), slices.Index(shares, b), 0)]
}

// Commitment binds the register to a match without telling it: SHA-256 of the salt, a newline and the match's
// [Terms], in hexadecimal.
func Commitment(salt, terms string) string { return hash([]byte(salt + "\n" + terms)) }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Read reads a register and checks its chain and that every entry was allowed, by the rules that also
// bind whoever writes it.
func Read(r io.Reader) (List, error) {
	l := newList()
	rest, err := durable.ReadLog(r, l.take)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("line %d has no end", len(l.entries)+1)
	}
	if err != nil {
		return List{}, fmt.Errorf("read hold register: %w", err)
	}
	return *l, nil
}

// ReadFile reads the register at path while another process may be writing it: an entry that is not whole yet
// is left out. A missing file is a register without entries.
func ReadFile(path string) (List, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return List{}, fmt.Errorf("read hold register: %w", err)
	}
	return Read(bytes.NewReader(b[:bytes.LastIndexByte(b, '\n')+1]))
}

// take checks that a line may follow, and follows.
func (l *List) take(line []byte) error {
	var e Entry
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	err := dec.Decode(&e)
	if _, more := dec.Token(); err != nil || !errors.Is(more, io.EOF) {
		return fmt.Errorf("line %d is no entry", len(l.entries)+1)
	}
	if e.Seq != uint64(len(l.entries))+1 || e.Prev != l.head {
		return fmt.Errorf("line %d does not follow the line before", len(l.entries)+1)
	}
	if err := l.allow(e); err != nil {
		return fmt.Errorf("line %d: %w", e.Seq, err)
	}
	l.apply(e)
	l.head = hash(line)
	return nil
}

// Register is the register, open for writing. It has one writer at a time, in this process and on the
// machine; a Register is not safe for concurrent use.
type Register struct {
	log  *durable.Log
	list *List
}

// OpenRegister opens the register at path, creating it where it is missing, and checks it. A last line
// without its end, which a crash leaves, is cut off. The error matches [durable.ErrLocked] where another
// process has it open.
func OpenRegister(path string) (*Register, error) {
	list := newList()
	log, err := durable.OpenLog(path, list.take)
	if err != nil {
		return nil, fmt.Errorf("open hold register: %w", err)
	}
	return &Register{log, list}, nil
}

// List is what the register says now.
func (r *Register) List() List { return *r.list }

// Close gives the register free.
func (r *Register) Close() error { return r.log.Close() }

// append writes an entry, durably; it sets Seq and Prev.
func (r *Register) append(e Entry) error {
	e.Seq, e.Prev = uint64(len(r.list.entries))+1, r.list.head
	if err := r.list.allow(e); err != nil {
		return err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write hold register: %w", err)
	}
	if err := r.log.Append(append(line, '\n')); err != nil {
		err = fmt.Errorf("write hold register: %w", err)
		if errors.Is(err, durable.ErrEndUnknown) {
			return err
		}
		return &throng.Retryable{Err: err}
	}
	return r.list.take(line)
}
