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

// Account is the state of one reserved release.
type Account struct {
	Release    throng.ReleaseID
	Tree       int
	Parameters throng.Parameters
	// SHA256 is that of the published file; empty while the reservation is open.
	SHA256 string
}

// Published tells whether the release file exists, as far as the ledger knows.
func (a Account) Published() bool { return a.SHA256 != "" }

// period is what a budget belongs to: a device is one of a site, and its budget is one of a period.
type period struct {
	site string
	throng.Period
}

type cost struct{ epsilon, delta float64 }

// chain is what the entries so far say. The writer and the reader apply the same rules.
type chain struct {
	entries  []Entry
	accounts map[throng.ReleaseID]*Account
	spent    map[period]cost
}

func newChain() *chain {
	return &chain{accounts: map[throng.ReleaseID]*Account{}, spent: map[period]cost{}}
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
	}
	return fmt.Errorf("unknown kind %q", e.Kind)
}

func (c *chain) checkReservation(e Entry) error {
	if e.Release == nil || e.Parameters == nil || e.SHA256 != "" {
		return errors.New("a reservation names a release and its parameters")
	}
	if _, ok := c.accounts[*e.Release]; ok {
		return fmt.Errorf("%w: %s is reserved already", ErrOverdraft, *e.Release)
	}
	after := c.after(e)
	if !(e.Parameters.Epsilon > 0 && e.Parameters.Delta > 0) {
		return errors.New("a reservation costs something")
	}
	if after.epsilon > throng.MaxEpsilon || after.delta > throng.MaxDelta {
		return fmt.Errorf("%w: %s would bring site and period to ε = %g, δ = %g; the ceilings are %g and %g",
			ErrOverdraft, *e.Release, after.epsilon, after.delta, throng.MaxEpsilon, throng.MaxDelta)
	}
	return nil
}

func (c *chain) checkPublication(e Entry) error {
	if e.Release == nil || e.Parameters != nil {
		return errors.New("a publication names a release and its SHA-256")
	}
	if sum, err := hex.DecodeString(e.SHA256); err != nil || len(sum) != hashDigits/2 {
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

// after is what the budget of e's site and period has spent once e is applied.
func (c *chain) after(e Entry) cost {
	s := c.spent[period{e.Release.Site, e.Release.Period}]
	return cost{s.epsilon + e.Parameters.Epsilon, s.delta + e.Parameters.Delta}
}

// apply takes in an entry that was checked.
func (c *chain) apply(e Entry) {
	switch e.Kind {
	case Reservation:
		c.spent[period{e.Release.Site, e.Release.Period}] = c.after(e)
		c.accounts[*e.Release] = &Account{Release: *e.Release, Tree: e.Tree, Parameters: *e.Parameters}
	case Publication:
		c.accounts[*e.Release].SHA256 = e.SHA256
	}
	c.entries = append(c.entries, e)
}
