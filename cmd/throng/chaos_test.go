package main_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// chaosVariable is how long TestChaos breaks things, such as 10m.
const chaosVariable = "THRONG_TEST_CHAOS"

// mishap is something that goes wrong for a while.
type mishap struct {
	what       string
	ofBroker   bool // of such one at a time: two of three brokers have to be there for a block to be acknowledged
	begin, end func() error
}

func nothing() error { return nil }

// mishaps are all that can go wrong with a site, each with its victim.
func (s *kafkaSite) mishaps(ctx context.Context) []mishap {
	all := append(broken("the store", false, s.line), broken("all brokers", true, s.brokerLines...)...)
	all = append(all, []mishap{
		{"all leaders moved", true, func() error { return s.cluster.MoveLeaders(ctx, s.topic()) }, nothing},
		{"everything but the brokers killed", false, func() error {
			for _, v := range s.all() {
				v.kill()
			}
			return nil
		}, nothing},
	}...)
	for _, v := range s.all() {
		signal := func(sig syscall.Signal) func() error {
			return func() error { v.signal(sig, false); return nil }
		}
		all = append(all,
			mishap{v.name + " killed", false, func() error { v.kill(); return nil }, nothing},
			mishap{v.name + " told to stop", false, signal(syscall.SIGTERM), nothing},
			mishap{v.name + " frozen", false, signal(syscall.SIGSTOP), signal(syscall.SIGCONT)})
	}
	for i := range s.cluster.Addrs() {
		b := s.cluster.Broker(i)
		all = append(all,
			mishap{fmt.Sprintf("broker %d killed", i+1), true, func() error { b.Kill(); return nil }, func() error { return b.Restart(ctx) }},
			mishap{fmt.Sprintf("broker %d told to stop", i+1), true, b.Close, func() error { return b.Restart(ctx) }},
			mishap{fmt.Sprintf("broker %d frozen", i+1), true, b.Freeze, b.Thaw})
		all = append(all, broken(fmt.Sprintf("broker %d", i+1), true, s.brokerLines[i])...)
	}
	return all
}

// broken are the ways in which lines can fail. After answers were lost, the connections are: who waited for them has to ask again.
func broken(to string, ofBroker bool, lines ...*line) []mishap {
	set := func(states ...lineState) func() error {
		return func() error {
			for _, state := range states {
				for _, l := range lines {
					l.set(state)
				}
			}
			return nil
		}
	}
	return []mishap{
		{"the line to " + to + " cut", ofBroker, set(cut), set(whole)},
		{"the line to " + to + " stalled", ofBroker, set(stalled), set(whole)},
		{"the answers of " + to + " lost", ofBroker, set(mute), set(cut, whole)},
	}
}

// some chooses one mishap or two, not both of brokers.
func some(r *rand.Rand, all []mishap) []mishap {
	first, second := all[r.IntN(len(all))], all[r.IntN(len(all))]
	if r.IntN(2) == 0 || first.what == second.what || first.ofBroker && second.ofBroker {
		return []mishap{first}
	}
	return []mishap{first, second}
}

// TestChaos breaks a site at random for as long as THRONG_TEST_CHAOS says, while its logs grow: processes are killed, stopped
// and frozen, brokers too, leaders move, the lines to the store and to the brokers are cut and stalled and lose answers, up to two of
// it at a time. Then everything is mended, and the store has to have every line once.
func TestChaos(t *testing.T) {
	span, err := time.ParseDuration(os.Getenv(chaosVariable))
	if err != nil {
		t.Skipf("breaks things for as long as %s says, such as 1m", chaosVariable)
	}
	r := chance(t)
	s := startKafkaSite(t, int(span/(2*time.Second))+10, r.Uint64()) // a round takes about three seconds and writes one piece or two
	s.load(t, 1)
	s.grow(t)
	progressFor(t, "the first lines", func() (uint64, bool) { n := s.loaded(t); return n, n > 0 })

	ctx, cancel := context.WithTimeout(t.Context(), span+5*time.Minute)
	defer cancel()
	all := s.mishaps(ctx)
	count := 0
	for until := time.Now().Add(span); time.Now().Before(until); count++ {
		s.suffer(t, r, some(r, all))
		if count%5 == 4 && len(s.logs[0].rest) > 0 {
			before := s.loaded(t)
			s.grow(t)
			progressFor(t, "lines after five rounds", func() (uint64, bool) { n := s.loaded(t); return n, n > before })
		}
	}
	t.Logf("%d rounds of mishaps in %v", count, span)
	s.drain(t)
}

// suffer goes through mishaps that overlap, each for up to four seconds, under load.
func (s *kafkaSite) suffer(t *testing.T, r *rand.Rand, mishaps []mishap) {
	t.Helper()
	var names []string
	var err error
	for _, f := range mishaps {
		names = append(names, f.what)
		s.grow(t)
		err = errors.Join(err, f.begin())
		time.Sleep(time.Duration(r.Int64N(int64(4 * time.Second)))) // the instant is the test's input, nothing is waited for
	}
	for _, f := range mishaps {
		err = errors.Join(err, f.end())
	}
	t.Logf("%s (%d lines loaded)", strings.Join(names, "; "), s.loaded(t))
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(names, "; "), err)
	}
}
