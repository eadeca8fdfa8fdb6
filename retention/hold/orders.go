package hold

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"throng"
)

// MaxRows is the greatest number of events that a hold may copy: fewer than k, so that no hold has a
// published cell whole, whose total less one's own exact count would tell of those who opted out.
const MaxRows = 4999

// Store copies events.
type Store interface {
	// CountMatched is how many stored events match, and how many are stored.
	CountMatched(ctx context.Context, m throng.HoldMatch) (matched, all uint64, err error)
	// CopyHeld copies the events that match, with the match's terms and the salt of its commitment, in place of
	// all copies of that name, and says how many it copied.
	CopyHeld(ctx context.Context, to throng.HoldCopy, terms, salt string, m throng.HoldMatch) (rows uint64, err error)
	// MoveHeld gives a hold's copies another last day. Done again, also after a failure in the middle, it leaves
	// each copy once.
	MoveHeld(ctx context.Context, to throng.HoldCopy) error
}

// Options of orders.
type Options struct {
	// Register is open for writing; Orders does not close it. Required.
	Register *Register
	// Store is required by Create and Extend.
	Store Store
	// Clock is required.
	Clock throng.Clock
}

// Orders gives, extends and releases holds. It is for one goroutine.
type Orders struct{ o Options }

// New makes orders.
func New(o Options) (*Orders, error) {
	if o.Register == nil || o.Clock == nil {
		return nil, errors.New("make hold orders: register and clock are required")
	}
	return &Orders{o}, nil
}

// Order says what to hold, why, and until when.
type Order struct {
	Reason throng.HoldReason
	// Ticket is a reference to where the reason is written down at length. It stays in the register, so it must
	// not tell of a visitor.
	Ticket string
	// By is the name of who orders.
	By    string
	Match throng.HoldMatch
	// Until is the last day on which the copies exist.
	Until throng.Day
	// Review is the day by whose end somebody has to look at the hold again. Defaults to 14 days from now,
	// or Until.
	Review throng.Day
}

// defaultReview is the time between two looks at a hold where none is given, in days.
const defaultReview = 14

func (o *Orders) review(asked, until throng.Day) throng.Day {
	return cmp.Or(asked, min(until, throng.DayOf(o.o.Clock.Now())+defaultReview))
}

// TooBroad is the error of a match that takes more than a hold may.
type TooBroad struct{ Rows, Limit uint64 }

func (e *TooBroad) Error() string {
	return fmt.Sprintf("the match takes %d events, and a hold may copy %d at most: narrow its time, network or path", e.Rows, e.Limit)
}

// ErrNoMatch says that no stored event matches.
var ErrNoMatch = errors.New("no stored event matches, so there is nothing to hold: compare the fields with events, as `throng anonymize` writes them")

// Create orders a hold and copies what it matches. The error matches [*TooBroad] or [ErrNoMatch] where the match
// was refused; then, and where the order breaks a rule, nothing was ordered. An order whose copying fails is
// released.
func (o *Orders) Create(ctx context.Context, order Order) (Hold, error) {
	salt, terms := newSalt(), Terms(order.Match)
	e := Entry{
		Time: o.now(), Step: Ordered, Hold: uint32(len(o.o.Register.list.Holds)) + 1, By: order.By, Reason: order.Reason, Ticket: order.Ticket,
		Review: o.review(order.Review, order.Until), Until: order.Until, Match: Commitment(salt, terms), Share: None,
	}
	if err := o.o.Register.list.allow(e); err != nil {
		return Hold{}, fmt.Errorf("order hold: %w", err)
	}
	matched, all, err := o.o.Store.CountMatched(ctx, order.Match)
	if err == nil {
		err = checkRows(matched)
	}
	if err != nil {
		return Hold{}, fmt.Errorf("order hold: %w", err)
	}
	e.Share = ShareOf(matched, all)
	if err := o.o.Register.append(e); err != nil {
		return Hold{}, fmt.Errorf("order hold: %w", err)
	}
	h, err := o.o.Register.list.Find(e.Hold)
	if err != nil {
		return Hold{}, fmt.Errorf("order hold: %w", err)
	}
	rows, err := o.o.Store.CopyHeld(ctx, h.Copy(), terms, salt, order.Match)
	if err == nil {
		err = checkRows(rows) // events can have come in since they were counted
	}
	if err != nil {
		_, undo := o.Release(e.Hold, order.By)
		return Hold{}, errors.Join(fmt.Errorf("order hold: copy events of hold %d: %w", e.Hold, err), undo)
	}
	return h, nil
}

func checkRows(n uint64) error {
	if n == 0 {
		return ErrNoMatch
	}
	if n > MaxRows {
		return &TooBroad{n, MaxRows}
	}
	return nil
}

// Extension says why a hold goes on, and until when.
type Extension struct {
	Reason throng.HoldReason
	// Ticket is one that the hold did not have before.
	Ticket, By string
	// Until is not before the hold's present last day. Defaults to that, for a review alone.
	Until throng.Day
	// Review is as that of an [Order].
	Review throng.Day
}

// Extend gives a hold a new last day and a new review. The register has it first; copies that could not be moved
// then go on their old last day, unless another extension moves them.
func (o *Orders) Extend(ctx context.Context, number uint32, x Extension) (Hold, error) {
	before, err := o.o.Register.list.Find(number)
	if err != nil {
		return Hold{}, fmt.Errorf("extend hold: %w", err)
	}
	until := cmp.Or(x.Until, before.Until)
	e := Entry{
		Time: o.now(), Step: Extended, Hold: number, By: x.By, Reason: x.Reason, Ticket: x.Ticket,
		Review: o.review(x.Review, until), Until: until,
	}
	if err := o.o.Register.append(e); err != nil {
		return Hold{}, fmt.Errorf("extend hold: %w", err)
	}
	h, err := o.o.Register.list.Find(number)
	if err == nil {
		err = o.o.Store.MoveHeld(ctx, h.Copy())
	}
	if err != nil {
		return Hold{}, fmt.Errorf("extend hold: move copies of hold %d: %w", number, err)
	}
	return h, nil
}

// Release ends a hold before its last day. Its copies go with the next sweep of package retention.
func (o *Orders) Release(number uint32, by string) (Hold, error) {
	if err := o.o.Register.append(Entry{Time: o.now(), Step: Released, Hold: number, By: by}); err != nil {
		return Hold{}, fmt.Errorf("release hold: %w", err)
	}
	return o.o.Register.list.Find(number)
}

func (o *Orders) now() time.Time { return o.o.Clock.Now().UTC() }

func newSalt() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails, by its documentation
	return hex.EncodeToString(b)
}
