package retention

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"throng"
	"throng/internal/durable"
)

// ReceiptFormat names the form of the receipts file: JSON lines, each of which holds the SHA-256 of
// the line before; the first holds that of this name.
const ReceiptFormat = "throng/receipts/1"

// Step is what a receipt tells.
type Step string

// The steps of a deletion.
const (
	// Planned is written before the store is told to delete.
	Planned Step = "planned"
	// Deleted is written after the store no longer showed the item.
	Deleted Step = "deleted"
)

// Receipt is a line of the receipts file.
type Receipt struct {
	Seq  uint64    `json:"seq"` // from 1, without gap
	Time time.Time `json:"time"`
	Step Step      `json:"step"`
	Deletion
	// Verified is set for Deleted and only then.
	Verified *Verification `json:"verified,omitempty"`
	// Prev is the SHA-256 of the line before, without its end, in hexadecimal.
	Prev string `json:"prev"`
}

// Verification says when and how it was seen that an item is gone.
type Verification struct {
	Time time.Time `json:"time"`
	How  string    `json:"how"`
}

// itemKey names an item across stores.
type itemKey struct{ store, name string }

func keyOf(d Deletion) itemKey { return itemKey{d.Item.Store, d.Item.Name} }

// chain is the state of a receipts file after a number of lines.
type chain struct {
	seq  uint64
	head string // hash of the last line
	open map[itemKey]Deletion
}

func newChain() chain {
	return chain{head: hash([]byte(ReceiptFormat)), open: map[itemKey]Deletion{}}
}

func hash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

func (c chain) clone() chain {
	c.open = maps.Clone(c.open)
	return c
}

// take checks that r, whose text is line, may follow, and follows.
func (c *chain) take(r Receipt, line []byte) error {
	_, planned := c.open[keyOf(r.Deletion)]
	switch {
	case r.Seq != c.seq+1 || r.Prev != c.head:
		return errors.New("does not follow the line before")
	case r.Step == Planned && r.Verified == nil && !planned:
		c.open[keyOf(r.Deletion)] = r.Deletion
	case r.Step == Deleted && r.Verified != nil && planned:
		delete(c.open, keyOf(r.Deletion))
	default:
		return fmt.Errorf("step %q is out of order", r.Step)
	}
	c.seq, c.head = r.Seq, hash(line)
	return nil
}

// ReadReceipts reads a receipts file and checks the chain from its start. What the chain cannot show
// is that lines are missing at the end: compare the last line's hash with one that was published.
func ReadReceipts(r io.Reader) ([]Receipt, error) {
	receipts, _, rest, err := readChain(r)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("read receipts: line %d has no end", len(receipts)+1)
	}
	return receipts, err
}

// readChain returns the receipts and, as rest, what stands behind the last line's end.
func readChain(r io.Reader) (receipts []Receipt, c chain, rest []byte, err error) {
	c = newChain()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return receipts, c, line, nil
		}
		if err != nil {
			return nil, c, nil, fmt.Errorf("read receipts: %w", err)
		}
		line = line[:len(line)-1]
		receipt, err := parseReceipt(line)
		if err == nil {
			err = c.take(receipt, line)
		}
		if err != nil {
			return nil, c, nil, fmt.Errorf("read receipts: line %d: %w", c.seq+1, err)
		}
		receipts = append(receipts, receipt)
	}
}

func parseReceipt(line []byte) (r Receipt, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return Receipt{}, errors.New("is no receipt")
	}
	return r, nil
}

// Receipts is the receipts file, open for appending. It has one writer at a time, in this process and on
// the machine; a Receipts is not safe for concurrent use.
type Receipts struct {
	f      *os.File
	lock   *durable.Lock
	chain  chain
	size   int64
	broken error // set when the file's end is unknown; nothing is written after it
}

// OpenReceipts opens the receipts file at path, creating it where it is missing, and checks it. A last
// line without its end, which a crash leaves, was never acknowledged and is cut off; all else that
// does not fit is an error. The error matches [durable.ErrLocked] where another process has it open.
func OpenReceipts(path string) (r *Receipts, err error) {
	lock, err := durable.LockFile(path)
	if err != nil {
		return nil, fmt.Errorf("open receipts: %w", err)
	}
	r = &Receipts{lock: lock}
	if err := r.load(path); err != nil {
		return nil, errors.Join(fmt.Errorf("open receipts: %w", err), r.Close())
	}
	return r, nil
}

func (r *Receipts) load(path string) (err error) {
	if r.f, err = os.OpenFile(path, os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		return err
	}
	_, c, rest, err := readChain(r.f)
	if err != nil {
		return err
	}
	info, err := r.f.Stat()
	if err != nil {
		return err
	}
	r.chain, r.size = c, info.Size()-int64(len(rest))
	if len(rest) == 0 {
		return nil
	}
	return errors.Join(r.f.Truncate(r.size), r.f.Sync())
}

// Head is the hash of the last line: published elsewhere, it shows that no line was cut off.
func (r *Receipts) Head() string { return r.chain.head }

// Close gives the file free. All that was appended is durable already.
func (r *Receipts) Close() error {
	if r.f == nil {
		return r.lock.Unlock()
	}
	return errors.Join(r.f.Close(), r.lock.Unlock())
}

// open are the deletions that were planned and for which there is no receipt yet.
func (r *Receipts) open() map[itemKey]Deletion { return r.chain.open }

// append writes receipts, durably, all or none; it sets Seq and Prev.
func (r *Receipts) append(receipts []Receipt) error {
	if r.broken != nil || len(receipts) == 0 {
		return r.broken
	}
	next, text := r.chain.clone(), []byte(nil)
	for i := range receipts {
		receipts[i].Seq, receipts[i].Prev = next.seq+1, next.head
		line, err := json.Marshal(receipts[i])
		if err != nil {
			return fmt.Errorf("write receipt: %w", err)
		}
		if err := next.take(receipts[i], line); err != nil {
			return fmt.Errorf("write receipt: %w", err)
		}
		text = append(append(text, line...), '\n')
	}
	if err := r.write(text); err != nil {
		return err
	}
	r.chain, r.size = next, r.size+int64(len(text))
	return nil
}

// write takes a failed write back; the error, of a full disk for instance, may then go away. Where that
// fails too, the end of the file is unknown.
func (r *Receipts) write(text []byte) error {
	_, err := r.f.WriteAt(text, r.size)
	if err == nil {
		err = r.f.Sync()
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("write receipt: %w", err)
	if back := errors.Join(r.f.Truncate(r.size), r.f.Sync()); back != nil {
		r.broken = fmt.Errorf("%w; the end of the file is unknown: %w", err, back)
		return r.broken
	}
	return &throng.Retryable{Err: err}
}
