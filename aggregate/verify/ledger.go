package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"throng"
)

// The form of the ledger file, as its documentation has it: entries of one size, each a JSON object
// whose last member is the SHA-256 of the line before it.
const (
	ledgerFormat = "throng/ledger/2"
	entryBytes   = 2048
	hashMember   = `,"hash":"`
)

// entry is one line of the ledger.
type entry struct {
	Seq        int64              `json:"seq"`
	Prev       string             `json:"prev"`
	Kind       string             `json:"kind"`
	Format     string             `json:"format"`
	Ledger     string             `json:"ledger"`
	Release    *throng.ReleaseID  `json:"release"`
	Tree       int                `json:"tree"`
	Parameters *throng.Parameters `json:"parameters"`
	SHA256     string             `json:"sha256"`
	hash       string
}

// account is what the ledger says of a release.
type account struct {
	tree       int
	parameters throng.Parameters
	sha256     string // "" while it is not published
	sum        bool   // a month: summed, not drawn
	published  int    // number of the entry that says so
}

// book is a ledger that was read.
type book struct {
	hashes   []string // of the entries, in order
	accounts map[throng.ReleaseID]*account
	order    []throng.ReleaseID // of publication
	spent    map[budget]*spending
}

// budget is what ε and δ belong to: the devices of a site in a period.
type budget struct {
	site   string
	period throng.Period
}

// spending is what the tables of one budget took of it.
type spending struct {
	parameters throng.Parameters // of the first one: what all have to share
	weight     float64
	rho        float64
	gates      int64
}

// readLedger follows the chain to its end or to the first entry that breaks it.
func readLedger(data []byte, chain, paid *Claim) *book {
	b := &book{accounts: map[throng.ReleaseID]*account{}, spent: map[budget]*spending{}}
	if len(data) == 0 {
		chain.fault(throng.LedgerName, "the file is empty")
	}
	for at := 0; at < len(data); at += entryBytes {
		where := fmt.Sprintf("%s entry %d", throng.LedgerName, at/entryBytes)
		e, err := readEntry(data[at:min(at+entryBytes, len(data))])
		if err == nil {
			err = b.follows(e)
		}
		chain.Looked++
		if err != nil {
			chain.fault(where, "%v; nothing after it is believed", err)
			return b
		}
		b.hashes = append(b.hashes, e.hash)
		b.book(e, where, paid)
	}
	return b
}

func readEntry(line []byte) (e entry, err error) {
	at := bytes.LastIndex(line, []byte(hashMember))
	if len(line) != entryBytes || line[entryBytes-1] != '\n' || at < 0 {
		return e, fmt.Errorf("it is not a line of %d bytes with a hash at its end", entryBytes)
	}
	sum := sha256.Sum256(line[:at])
	e.hash = hex.EncodeToString(sum[:])
	if string(bytes.TrimRight(line[at:], " \n")) != hashMember+e.hash+`"}` {
		return e, errors.New("its hash does not match its content")
	}
	body := append(bytes.Clone(line[:at]), '}')
	if err := json.Unmarshal(body, &e); err != nil {
		return e, errors.New("it is not an entry")
	}
	return e, nil
}

// follows checks an entry's place in the chain.
func (b *book) follows(e entry) error {
	n := len(b.hashes)
	switch {
	case e.Seq != int64(n):
		return fmt.Errorf("it says that it is number %d", e.Seq)
	case n == 0 && (e.Prev != "" || e.Kind != "genesis" || e.Format != ledgerFormat || e.Ledger == ""):
		return fmt.Errorf("it does not begin a ledger of the form %s", ledgerFormat)
	case n > 0 && (e.Prev != b.hashes[n-1] || e.Kind == "genesis"):
		return errors.New("it does not follow the entry before it")
	}
	return nil
}

// book takes an entry in and checks that releases are paid for before they are published, once.
func (b *book) book(e entry, where string, paid *Claim) {
	if e.Kind == "genesis" {
		return
	}
	paid.Looked++
	switch {
	case e.Release == nil:
		paid.fault(where, "it names no release")
	case e.Kind == "reservation":
		b.reserve(e, where, paid)
	case e.Kind == "publication":
		b.publish(e, where, paid)
	case e.Kind == "sum":
		b.addUp(e, where, paid)
	default:
		paid.fault(where, "this verifier does not know entries of the kind %q: use the version that belongs to the ledger", e.Kind)
	}
}

func (b *book) reserve(e entry, where string, paid *Claim) {
	switch {
	case e.Parameters == nil:
		paid.fault(where, "the reservation of %s has no parameters", e.Release)
		return
	case b.accounts[*e.Release] != nil:
		paid.fault(where, "%s was reserved before", e.Release)
		return
	case e.Release.Period.Kind() == throng.MonthPeriod:
		paid.fault(where, "%s is a month, which is summed and not drawn", e.Release)
	case !(e.Parameters.Epsilon > 0 && e.Parameters.Delta > 0):
		paid.fault(where, "the reservation of %s costs nothing", e.Release)
	}
	b.accounts[*e.Release] = &account{tree: e.Tree, parameters: *e.Parameters}
	b.checkTree(e, where, paid)
	of := budget{e.Release.Site, e.Release.Period}
	if b.spent[of] == nil {
		b.spent[of] = &spending{parameters: *e.Parameters}
	}
	if err := b.spent[of].add(e.Release.Table, *e.Parameters); err != nil {
		paid.fault(where, "%s: %v", e.Release, err)
	}
}

// add takes a table's share out of the budget of its site and period.
func (s *spending) add(table string, p throng.Parameters) error {
	first := s.parameters
	for _, d := range p.Draws {
		s.weight += d.Weight
	}
	s.rho += rho(p)
	s.gates += gateDraws(p)
	switch {
	case p.Epsilon > throng.MaxEpsilon || p.Delta > throng.MaxDelta:
		return fmt.Errorf("ε = %g and δ = %g; the ceilings are %g and %g", p.Epsilon, p.Delta, throng.MaxEpsilon, throng.MaxDelta)
	case p.Epsilon != first.Epsilon || p.Delta != first.Delta || p.K != first.K || !slices.Equal(p.Tables, first.Tables):
		return errors.New("its ε, δ, k or tables are not those of the other tables of its site and period, with which it shares a budget")
	case !slices.Contains(p.Tables, table):
		return errors.New("it is not among the tables that share the budget")
	case s.weight > 1+1e-9:
		return fmt.Errorf("it brings the weights of site and period to %g of the budget", s.weight)
	case noiseDelta(s.rho, p.Epsilon) > p.NoiseDelta*(1+1e-6):
		return fmt.Errorf("it brings site and period to δ = %g at ε = %g; the noise's share is %g", noiseDelta(s.rho, p.Epsilon), p.Epsilon, p.NoiseDelta)
	case float64(s.gates)*p.GateDelta > p.ThresholdDelta*(1+1e-9):
		return fmt.Errorf("it brings the gate draws of site and period to %d, which at δ = %g cost more than the thresholds' share %g", s.gates, p.GateDelta, p.ThresholdDelta)
	}
	return nil
}

// checkTree looks for a release of an overlapping period that cuts the visits otherwise.
func (b *book) checkTree(e entry, where string, paid *Claim) {
	for id, a := range b.accounts {
		overlaps := id.Site == e.Release.Site && id.Table == e.Release.Table && !a.sum &&
			id.Period.First() <= e.Release.Period.Last() && e.Release.Period.First() <= id.Period.Last()
		if overlaps && a.tree != e.Tree {
			paid.fault(where, "%s and %s overlap and have different trees", e.Release, id)
		}
	}
}

// addUp takes in a month.
func (b *book) addUp(e entry, where string, paid *Claim) {
	switch {
	case e.Release.Period.Kind() != throng.MonthPeriod || len(e.SHA256) != 2*sha256.Size:
		paid.fault(where, "the sum %s is no month with a SHA-256", e.Release)
	case b.accounts[*e.Release] != nil:
		paid.fault(where, "%s was published before", e.Release)
	default:
		b.accounts[*e.Release] = &account{sha256: e.SHA256, sum: true, published: len(b.hashes)}
		b.order = append(b.order, *e.Release)
	}
}

func (b *book) publish(e entry, where string, paid *Claim) {
	a := b.accounts[*e.Release]
	switch {
	case a == nil:
		paid.fault(where, "%s was published and never reserved", e.Release)
		return
	case a.sha256 != "":
		paid.fault(where, "%s was published twice", e.Release)
		return
	case len(e.SHA256) != 2*sha256.Size:
		paid.fault(where, "the publication of %s has no SHA-256", e.Release)
	}
	a.sha256, a.published = e.SHA256, len(b.hashes)
	b.order = append(b.order, *e.Release)
}

// head is the hash of the last entry.
func (b *book) head() string {
	if len(b.hashes) == 0 {
		return ""
	}
	return b.hashes[len(b.hashes)-1]
}
