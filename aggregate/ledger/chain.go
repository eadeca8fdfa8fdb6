package ledger

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"throng"
)

// ErrOverdraft says that a reservation would spend more than a device may cost in a period.
var ErrOverdraft = errors.New("overdraft of the privacy budget")

// ErrOverlap says that a release would cover what another one covers under other rules.
var ErrOverlap = errors.New("the release overlaps another one")

// Account is the state of one reserved or summed release; a sum has no parameters.
type Account struct {
	Release    throng.ReleaseID
	Tree       int
	Parameters throng.Parameters
	// SHA256 is that of the published file; empty while the reservation is open.
	SHA256 string
	// Seq is the number of the entry that has the SHA256.
	Seq int64
}

// Published tells whether the release file exists, as far as the ledger knows.
func (a Account) Published() bool { return a.SHA256 != "" }

// period is what a budget belongs to: a device is one of a site, and its budget is one of a period.
type period struct {
	site string
	throng.Period
}

// chain is what the entries so far say. The writer and the reader apply the same rules.
type chain struct {
	entries  []Entry
	accounts map[throng.ReleaseID]*Account
	budgets  map[period]*budget
}

func newChain() *chain {
	return &chain{accounts: map[throng.ReleaseID]*Account{}, budgets: map[period]*budget{}}
}

// Read reads a published ledger and checks all that can be checked from the file alone: each entry's
// hash, the chain, the order of reservation and publication, and the budget. It cannot know whether
// entries at the end were cut off; compare the last hash with one that was published before.
func Read(r io.Reader) ([]Entry, error) {
	c := newChain()
	line := make([]byte, EntryBytes)
	for {
		_, err := io.ReadFull(r, line)
		if errors.Is(err, io.EOF) && len(c.entries) > 0 {
			return c.entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read ledger: entry %d: %w", len(c.entries), err)
		}
		if err := c.add(line); err != nil {
			return nil, err
		}
	}
}

func (c *chain) add(line []byte) error {
	e, err := decode(line)
	if err == nil {
		err = c.check(e)
	}
	if err != nil {
		return fmt.Errorf("read ledger: entry %d: %w", len(c.entries), err)
	}
	c.apply(e)
	return nil
}

// next gives the frame of the entry that comes after the last one.
func (c *chain) next(k Kind) Entry {
	e := Entry{Seq: int64(len(c.entries)), Kind: k}
	if n := len(c.entries); n > 0 {
		e.Prev = c.entries[n-1].Hash
	}
	return e
}

// check tells whether e may come next.
func (c *chain) check(e Entry) error {
	want := c.next(e.Kind)
	if e.Seq != want.Seq || e.Prev != want.Prev {
		return fmt.Errorf("it does not follow entry %d", want.Seq-1)
	}
	if (e.Kind == Genesis) != (e.Seq == 0) {
		return fmt.Errorf("a %s entry cannot be number %d", e.Kind, e.Seq)
	}
	switch e.Kind {
	case Genesis:
		if e.Format != Format || e.Ledger == "" {
			return fmt.Errorf("its format is not %s", Format)
		}
		return nil
	case Reservation:
		return c.checkReservation(e)
	case Publication:
		return c.checkPublication(e)
	case Sum:
		return c.checkSum(e)
	}
	return fmt.Errorf("unknown kind %q", e.Kind)
}

func (c *chain) checkReservation(e Entry) error {
	if e.Release == nil || e.Parameters == nil || e.SHA256 != "" || e.Release.Period.Kind() == throng.MonthPeriod {
		return errors.New("a reservation names a day's or span's release and its parameters")
	}
	if _, ok := c.accounts[*e.Release]; ok {
		return fmt.Errorf("%w: %s is reserved already", ErrOverdraft, *e.Release)
	}
	if err := c.checkTree(e); err != nil {
		return err
	}
	return c.budgets[budgetOf(e)].check(*e.Release, *e.Parameters)
}

// checkTree refuses a span under another tree than its days', and a day under another than its span's:
// their rows would not be one partition.
func (c *chain) checkTree(e Entry) error {
	id := *e.Release
	others := []throng.Period{throng.SpanOf(id.Period.First()).Period()}
	if id.Period.Kind() == throng.SpanPeriod {
		others = nil
		for d := id.Period.First(); d <= id.Period.Last(); d++ {
			others = append(others, d.Period())
		}
	}
	for _, p := range others {
		a, ok := c.accounts[throng.ReleaseID{Site: id.Site, Table: id.Table, Period: p}]
		if ok && a.Tree != e.Tree {
			return fmt.Errorf("%w: %s has version %d of the tree, %s would have %d", ErrOverlap, a.Release, a.Tree, id, e.Tree)
		}
	}
	return nil
}

func (c *chain) checkSum(e Entry) error {
	if e.Release == nil || e.Parameters != nil || e.Release.Period.Kind() != throng.MonthPeriod || !isHash(e.SHA256) {
		return errors.New("a sum names a month's release and its SHA-256")
	}
	if _, ok := c.accounts[*e.Release]; ok {
		return fmt.Errorf("%w: %s is summed already", ErrOverlap, *e.Release)
	}
	return nil
}

func isHash(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) == hashDigits/2
}

func (c *chain) checkPublication(e Entry) error {
	if e.Release == nil || e.Parameters != nil || !isHash(e.SHA256) {
		return errors.New("a publication names a release and its SHA-256")
	}
	a, ok := c.accounts[*e.Release]
	if !ok {
		return fmt.Errorf("%s was never reserved", *e.Release)
	}
	if a.Published() {
		return fmt.Errorf("%s is published already", *e.Release)
	}
	return nil
}

func budgetOf(e Entry) period { return period{e.Release.Site, e.Release.Period} }

// apply takes in an entry that was checked.
func (c *chain) apply(e Entry) {
	switch e.Kind {
	case Reservation:
		c.budgets[budgetOf(e)] = c.budgets[budgetOf(e)].after(*e.Parameters)
		c.accounts[*e.Release] = &Account{Release: *e.Release, Tree: e.Tree, Parameters: *e.Parameters}
	case Publication:
		a := c.accounts[*e.Release]
		a.SHA256, a.Seq = e.SHA256, e.Seq
	case Sum:
		c.accounts[*e.Release] = &Account{Release: *e.Release, SHA256: e.SHA256, Seq: e.Seq}
	}
	c.entries = append(c.entries, e)
}
