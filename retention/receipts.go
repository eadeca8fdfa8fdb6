package retention

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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
	receipts, rest, err := readChain(r)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("read receipts: line %d has no end", len(receipts)+1)
	}
	return receipts, err
}

// readChain returns the receipts and, as rest, what stands behind the last line's end.
func readChain(r io.Reader) (receipts []Receipt, rest []byte, err error) {
	c := newChain()
	rest, err = durable.ReadLog(r, func(line []byte) error {
		receipt, err := c.read(line)
		receipts = append(receipts, receipt)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read receipts: %w", err)
	}
	return receipts, rest, nil
}

// read takes a line of the file.
func (c *chain) read(line []byte) (Receipt, error) {
	receipt, err := parseReceipt(line)
	if err == nil {
		err = c.take(receipt, line)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("line %d: %w", c.seq+1, err)
	}
	return receipt, nil
}

func parseReceipt(line []byte) (r Receipt, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return Receipt{}, errors.New("is no receipt")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Receipt{}, errors.New("is no receipt")
	}
	return r, nil
}

// Receipts is the receipts file, open for appending. It has one writer at a time, in this process and on
// the machine; a Receipts is not safe for concurrent use.
type Receipts struct {
	log   *durable.Log
	chain chain
}

// OpenReceipts opens the receipts file at path, creating it where it is missing, and checks it. A last
// line without its end, which a crash leaves, was never acknowledged and is cut off; all else that
// does not fit is an error. The error matches [durable.ErrLocked] where another process has it open.
func OpenReceipts(path string) (*Receipts, error) {
	r := &Receipts{chain: newChain()}
	var err error
	r.log, err = durable.OpenLog(path, func(line []byte) error {
		_, err := r.chain.read(line)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open receipts: %w", err)
	}
	return r, nil
}

// Head is the hash of the last line: published elsewhere, it shows that no line was cut off.
func (r *Receipts) Head() string { return r.chain.head }

// Close gives the file free. All that was appended is durable already.
func (r *Receipts) Close() error { return r.log.Close() }

// open are the deletions that were planned and for which there is no receipt yet.
func (r *Receipts) open() map[itemKey]Deletion { return r.chain.open }

// append writes receipts, durably, all or none; it sets Seq and Prev.
func (r *Receipts) append(receipts []Receipt) error {
	if len(receipts) == 0 {
		return nil
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
	if err := r.log.Append(text); err != nil {
		err = fmt.Errorf("write receipt: %w", err)
		if errors.Is(err, durable.ErrEndUnknown) {
			return err
		}
		return &throng.Retryable{Err: err}
	}
	r.chain = next
	return nil
}
