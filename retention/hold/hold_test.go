package hold_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/retention/hold"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const today = throng.Day(20779) // 2026-11-22

// clock is moved by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time                       { return c.now }
func (c *clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// store counts what it is told to and remembers its copies.
type store struct {
	matched, all uint64
	copied       uint64 // by CopyHeld; defaults to matched
	fails        error
	copies       map[throng.HoldCopy]string // with their terms and salt
}

func (s *store) CountMatched(context.Context, throng.HoldMatch) (matched, all uint64, err error) {
	return s.matched, s.all, nil
}

func (s *store) CopyHeld(_ context.Context, to throng.HoldCopy, terms, salt string, _ throng.HoldMatch) (uint64, error) {
	if s.fails != nil {
		return 0, s.fails
	}
	s.copies[to] = salt + "\n" + terms
	return max(s.copied, s.matched), nil
}

func (s *store) MoveHeld(_ context.Context, to throng.HoldCopy) error {
	if s.fails != nil {
		return s.fails
	}
	for c, with := range s.copies {
		if c.Hold == to.Hold {
			delete(s.copies, c)
			s.copies[to] = with
		}
	}
	return nil
}

// office is where holds are ordered.
type office struct {
	*hold.Orders
	clock    *clock
	store    *store
	path     string
	register *hold.Register
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{clock: &clock{noon}, store: &store{matched: 10, all: 10_000, copies: map[throng.HoldCopy]string{}}, path: filepath.Join(t.TempDir(), "holds")}
	o.open(t)
	return o
}

// open opens the register, as a new process does.
func (o *office) open(t testing.TB) {
	t.Helper()
	var err error
	if o.register, err = hold.OpenRegister(o.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.register.Close() })
	if o.Orders, err = hold.New(hold.Options{Register: o.register, Store: o.store, Clock: o.clock}); err != nil {
		t.Fatal(err)
	}
}

func (o *office) list(t testing.TB) hold.List {
	t.Helper()
	l, err := hold.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var buckets = hold.Buckets{V4: 24, V6: 48, OptedOutV4: 19, OptedOutV6: 32}

const terms = "site=www from=2026-11-21T10:00:00Z to=2026-11-21T12:00:00Z network=198.51.100.0/24"

func order(t testing.TB, change func(*hold.Order)) hold.Order {
	t.Helper()
	m, err := hold.ParseMatch(terms, buckets)
	if err != nil {
		t.Fatal(err)
	}
	o := hold.Order{Reason: throng.HoldSecurity, Ticket: "SEC-1", By: "alice", Match: m, Until: today + 30}
	if change != nil {
		change(&o)
	}
	return o
}

func (o *office) create(t testing.TB, change func(*hold.Order)) hold.Hold {
	t.Helper()
	h, err := o.Create(t.Context(), order(t, change))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestCreate(t *testing.T) {
	o := newOffice(t)
	h := o.create(t, nil)
	if h.Number != 1 || h.Until != today+30 || h.Review != today+14 || h.Share != hold.Some || !h.InForce(noon) {
		t.Errorf("hold is %+v", h)
	}
	with, ok := o.store.copies[throng.HoldCopy{Hold: 1, Ordered: today, Until: today + 30}]
	salt, copied, _ := strings.Cut(with, "\n")
	if !ok || copied != terms {
		t.Errorf("copied %v", o.store.copies)
	}
	if hold.Commitment(salt, copied) != h.Match {
		t.Error("the register's commitment is not that of what lies beside the copies")
	}
	if h := o.create(t, func(o *hold.Order) { o.Until = today + 3 }); h.Number != 2 || h.Review != today+3 {
		t.Errorf("second hold is %+v", h)
	}
}

// The register tells nothing of a match.
func TestRegisterHoldsNoMatch(t *testing.T) {
	o := newOffice(t)
	o.create(t, nil)
	b, err := os.ReadFile(o.path)
	if err != nil || !strings.Contains(string(b), "SEC-1") {
		t.Fatalf("the register is %s: %v", b, err)
	}
	for _, word := range []string{"198.51", "www", "10:00", "network"} {
		if strings.Contains(string(b), word) {
			t.Errorf("the register has %q: %s", word, b)
		}
	}
}

func TestOrdersAreRefused(t *testing.T) {
	for name, change := range map[string]func(*hold.Order){
		"no reason":           func(o *hold.Order) { o.Reason = "" },
		"unknown reason":      func(o *hold.Order) { o.Reason = "marketing" },
		"no ticket":           func(o *hold.Order) { o.Ticket = "" },
		"an address":          func(o *hold.Order) { o.Ticket = "198.51.100.7" },
		"a mail address":      func(o *hold.Order) { o.Ticket = "alice@example.org" },
		"a sentence":          func(o *hold.Order) { o.Ticket = "because of Bob" },
		"nobody":              func(o *hold.Order) { o.By = "" },
		"ends today":          func(o *hold.Order) { o.Until = today },
		"longer than allowed": func(o *hold.Order) { o.Until = today + throng.MaxHold + 1 },
		"no review":           func(o *hold.Order) { o.Review = today },
		"review too late":     func(o *hold.Order) { o.Until, o.Review = today+60, today+31 },
		"review after end":    func(o *hold.Order) { o.Until, o.Review = today+5, today+6 },
	} {
		o := newOffice(t)
		if _, err := o.Create(t.Context(), order(t, change)); err == nil || strings.Contains(err.Error(), "198.51") || strings.Contains(err.Error(), "Bob") {
			t.Errorf("%s: %v", name, err)
		}
		if len(o.list(t).Holds) != 0 || len(o.store.copies) != 0 {
			t.Errorf("%s: something was ordered or copied", name)
		}
	}
	o := newOffice(t)
	o.create(t, func(o *hold.Order) { o.Until, o.Review = today+throng.MaxHold, today+30 })
}

func TestBroadMatchesAreRefused(t *testing.T) {
	o := newOffice(t)
	o.store.matched = hold.MaxRows + 1
	_, err := o.Create(t.Context(), order(t, nil))
	var broad *hold.TooBroad
	if !errors.As(err, &broad) || broad.Rows != 5000 || broad.Limit != 4999 || len(o.list(t).Holds) != 0 {
		t.Errorf("a match of 5000: %v", err)
	}
	o.store.matched = hold.MaxRows
	o.create(t, nil)
	o.store.copied = hold.MaxRows + 1 // more came in meanwhile
	if _, err = o.Create(t.Context(), order(t, nil)); !errors.As(err, &broad) {
		t.Errorf("copied 5000: %v", err)
	}
	if h := o.list(t).Holds[1]; h.InForce(noon) {
		t.Errorf("the hold that copied too much is in force: %+v", h)
	}
	o.store.matched = 0
	if _, err := o.Create(t.Context(), order(t, nil)); !errors.Is(err, hold.ErrNoMatch) {
		t.Errorf("a match of nothing: %v", err)
	}
}

var errFault = errors.New("fault")

func TestFailedCopyIsReleased(t *testing.T) {
	o := newOffice(t)
	o.store.fails = errFault
	if _, err := o.Create(t.Context(), order(t, nil)); !errors.Is(err, errFault) {
		t.Errorf("the error is %v", err)
	}
	if h := o.list(t).Holds; len(h) != 1 || h[0].InForce(noon) {
		t.Errorf("holds are %+v", h)
	}
}

func TestExtend(t *testing.T) {
	o := newOffice(t)
	o.create(t, nil)
	o.clock.now = noon.AddDate(0, 0, 20)
	extension := func(change func(*hold.Extension)) hold.Extension {
		x := hold.Extension{Reason: throng.HoldFraud, Ticket: "SEC-2", By: "bob", Until: today + 60}
		if change != nil {
			change(&x)
		}
		return x
	}
	for name, change := range map[string]func(*hold.Extension){
		"no new ticket":       func(x *hold.Extension) { x.Ticket = "SEC-1" },
		"no reason":           func(x *hold.Extension) { x.Reason = "" },
		"shorter":             func(x *hold.Extension) { x.Until = today + 29 },
		"longer than allowed": func(x *hold.Extension) { x.Until = today + throng.MaxHold + 1 },
	} {
		if h, err := o.Extend(t.Context(), 1, extension(change)); err == nil {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if _, err := o.Extend(t.Context(), 2, extension(nil)); err == nil {
		t.Error("a hold that does not exist was extended")
	}
	h, err := o.Extend(t.Context(), 1, extension(nil))
	if err != nil || h.Until != today+60 || h.Review != today+34 || h.Extensions != 1 || h.Reason != throng.HoldFraud || h.By != "alice" {
		t.Errorf("extended: %+v, %v", h, err)
	}
	if _, ok := o.store.copies[h.Copy()]; !ok || len(o.store.copies) != 1 {
		t.Errorf("copies are %v", o.store.copies)
	}
	h, err = o.Extend(t.Context(), 1, extension(func(x *hold.Extension) { x.Ticket, x.Until = "SEC-3", 0 }))
	if err != nil || h.Until != today+60 || h.Extensions != 2 {
		t.Errorf("reviewed: %+v, %v", h, err)
	}
	o.clock.now = (today + 60).End()
	if _, err := o.Extend(t.Context(), 1, extension(func(x *hold.Extension) { x.Ticket, x.Until = "SEC-4", today+70 })); err == nil {
		t.Error("a hold was extended after its end")
	}
}

func TestRelease(t *testing.T) {
	o := newOffice(t)
	h := o.create(t, nil)
	keeps := o.list(t).Keeps(noon)
	item := throng.Item{Class: throng.ClassHeld, Hold: 1, Expires: h.Copy().Expires()}
	if !keeps(item) {
		t.Error("a hold in force does not keep its copies")
	}
	item.Expires = item.Expires.Add(24 * time.Hour)
	if keeps(item) || keeps(throng.Item{Hold: 2}) || keeps(throng.Item{}) {
		t.Error("copies are kept that stay longer than their hold, or that no hold has ordered")
	}
	h, err := o.Release(1, "bob")
	if err != nil || h.InForce(noon) || !h.Released.Equal(noon) {
		t.Errorf("released: %+v, %v", h, err)
	}
	if o.list(t).Keeps(noon)(throng.Item{Hold: 1}) {
		t.Error("a released hold keeps its copies")
	}
	if _, err := o.Release(1, "bob"); err == nil {
		t.Error("a hold was released twice")
	}
}

func TestSummary(t *testing.T) {
	o := newOffice(t)
	if s := o.list(t).Summary(noon); s.Orders != 0 || s.Held != "none" || len(s.Reasons) != 5 || s.Head == "" {
		t.Errorf("of none: %+v", s)
	}
	o.create(t, nil)
	o.create(t, func(o *hold.Order) { o.Reason, o.Until = throng.HoldDebugging, today+2 })
	o.store.all = 500 // of which ten are 2 %
	o.create(t, func(o *hold.Order) { o.Review = today + 1 })
	if _, err := o.Release(2, "bob"); err != nil {
		t.Fatal(err)
	}
	s := o.list(t).Summary((today + 1).End())
	if s.Orders != 3 || s.InForce != 2 || s.ReviewsOverdue != 1 || s.Held != "above 1 %" || s.Entries != 4 {
		t.Errorf("summary is %+v", s)
	}
	if r := s.Reasons[0]; r != (throng.HoldReasonCount{Reason: throng.HoldSecurity, Orders: 2, InForce: 2}) {
		t.Errorf("of security: %+v", r)
	}
	if r := s.Reasons[2]; r != (throng.HoldReasonCount{Reason: throng.HoldDebugging, Orders: 1}) {
		t.Errorf("of debugging: %+v", r)
	}
}
