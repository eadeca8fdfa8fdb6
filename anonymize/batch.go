package anonymize

import (
	"math"
	"net/netip"

	"throng"
	"throng/ingest/accesslog"
)

// batchSize is how many records are anonymized side by side. What a record needs of the caches lies
// anywhere in memory, and waiting for it takes longer than all that is computed; looked up one after
// another in a short loop, many are waited for at a time.
const batchSize = 32

// batch is what is known of a few records on their way to events: of the accepted ones, in order.
type batch struct {
	n      int
	rec    [batchSize]*accesslog.Record
	ev     [batchSize]*throng.Event
	signal [batchSize]throng.Signal
	site   [batchSize]*site
	epoch  [batchSize]*epoch

	agentAt, pageAt, referrerAt [batchSize]place

	agent    [batchSize]Agent
	page     [batchSize]page
	referrer [batchSize]string
	missing  [batchSize]int
}

// Anonymize fills in ev from rec. Every field of ev is set; unless the outcome is [Accepted], ev is
// undefined. The strings of ev may be kept.
func (a *Anonymizer) Anonymize(rec *accesslog.Record, ev *throng.Event) Outcome {
	a.batch.n = 0
	outcome, _ := a.admit(rec, ev)
	a.finish()
	return outcome
}

// AnonymizeAll does the same for many records at a time, which is faster. evs[i] and outcomes[i] are
// those of recs[i].
func (a *Anonymizer) AnonymizeAll(recs []accesslog.Record, evs []throng.Event, outcomes []Outcome) {
	for i := 0; i < len(recs); {
		a.batch.n = 0
		for more := true; more && i < len(recs) && a.batch.n < batchSize; {
			if outcomes[i], more = a.admit(&recs[i], &evs[i]); more {
				i++
			}
		}
		a.finish()
	}
}

// admit decides on the opt-out, before all else, and whether the record becomes an event; then it
// joins the batch. It did nothing if more is false: the batch must be finished first, since the keys of
// the record's span will replace those of another one.
func (a *Anonymizer) admit(rec *accesslog.Record, ev *throng.Event) (outcome Outcome, more bool) {
	e := a.epochInUse(rec.Time)
	if e == nil && a.batch.n > 0 {
		return 0, false
	}
	signal, s := a.signal(rec), a.siteOf(rec.Host)
	switch {
	case rec.Time < 0 || rec.Time > math.MaxUint32:
		outcome = BadTime
	case s == nil:
		outcome = UnknownHost
	case e == nil:
		var err error
		if e, err = a.useEpoch(rec.Time); err != nil {
			outcome = NoKey
		}
	}
	a.counts.Outcomes[outcome]++
	if outcome == Accepted {
		a.counts.Signals[signal]++
		a.join(rec, ev, signal, s, e)
	}
	return outcome, true
}

// join adds a record to the batch, with the places of what the caches may know of it.
func (a *Anonymizer) join(rec *accesslog.Record, ev *throng.Event, signal throng.Signal, s *site, e *epoch) {
	b := &a.batch
	i := b.n & (batchSize - 1)
	b.n++
	b.rec[i], b.ev[i], b.signal[i], b.site[i], b.epoch[i] = rec, ev, signal, s, e
	b.agentAt[i] = a.agents.place(uint64(rec.UserAgentEncoding), rec.UserAgent)
	b.pageAt[i] = a.paths.place(pageTag(s, e, signal), rec.Path)
	b.referrerAt[i] = a.referrers.place(0, rec.Referer)
}

// pageTag is what the page of a path depends on besides the path.
func pageTag(s *site, e *epoch, signal throng.Signal) uint64 {
	tag := uint64(e.span)<<32 | s.index<<1
	if signal != throng.NoSignal {
		tag |= 1
	}
	return tag
}

// finish makes events of the records of the batch.
func (a *Anonymizer) finish() {
	b := &a.batch
	for _, i := range a.agents.all(b.agentAt[:b.n], &b.agent, &b.missing) {
		b.agent[i] = a.agents.fill(b.agentAt[i], func() Agent { return GeneralizeAgent(b.rec[i].UserAgentText()) })
	}
	for _, i := range a.paths.all(b.pageAt[:b.n], &b.page, &b.missing) {
		b.page[i] = a.paths.fill(b.pageAt[i], func() page { return a.pageOf(b, i) })
	}
	for _, i := range a.referrers.all(b.referrerAt[:b.n], &b.referrer, &b.missing) {
		b.referrer[i] = a.referrers.fill(b.referrerAt[i], func() string { return generalizeReferrer(b.rec[i].Referer, a.own) })
	}
	for i := range b.n {
		a.event(b, i)
	}
}

// pageOf generalizes a path that is not remembered.
func (a *Anonymizer) pageOf(b *batch, i int) page {
	s := b.site[i]
	p := s.page(b.rec[i].Path, b.signal[i] != throng.NoSignal, a.assets)
	p.cell = cellID(&a.scratch, b.epoch[i].Cell, s.id, throng.PathTable, p.path)
	return p
}

// event fills in the event of a record, field by field: a composite literal would be made elsewhere
// first and copied.
func (a *Anonymizer) event(b *batch, i int) {
	rec, ev, ua, pg := b.rec[i], b.ev[i], &b.agent[i], &b.page[i]
	visit := !pg.asset && rec.Method == throng.GET && (rec.Status >= 200 && rec.Status < 300 || rec.Status == 304)
	ev.Time, ev.Site, ev.Path, ev.Cell = rec.Time, b.site[i].id, pg.path, pg.cell
	ev.Method, ev.Status, ev.Bytes = rec.Method, rec.Status, rec.Bytes
	ev.Referrer = b.referrer[i]
	ev.Client, ev.ClientMajor, ev.OS, ev.Bot = ua.Client, ua.Major, ua.OS, ua.Bot
	ev.OptedOut, ev.Signal = b.signal[i] != throng.NoSignal, b.signal[i]
	ev.Visit = visit && ua.Bot == throng.Human
	ev.Country = throng.Country{}
	if ev.OptedOut {
		ev.Time -= ev.Time % 60
		ev.ClientMajor -= ev.ClientMajor % 10
	}
	if ev.Bot != throng.Human {
		a.counts.Bots++
	}
	a.locate(ev, rec.RemoteAddr.Unmap(), b.epoch[i], ua)
}

// locate sets what comes from the address.
func (a *Anonymizer) locate(ev *throng.Event, addr netip.Addr, e *epoch, ua *Agent) {
	if !addr.IsValid() {
		a.counts.NoAddress++
		ev.Network, ev.Unit = netip.Prefix{}, 0
		ev.Visit = false // nothing tells it from other devices
		return
	}
	ev.Network = a.network(addr, ev.OptedOut)
	if a.options.Countries != nil {
		ev.Country = a.country(addr, ev)
	}
	ev.Unit = unitToken(&a.scratch, e.Unit, addr, ua, ev.Site)
}

// country is that of the address; for those who opted out that of the whole network, which else would
// be cut by the borders of countries into parts of fewer than K addresses.
func (a *Anonymizer) country(addr netip.Addr, ev *throng.Event) throng.Country {
	if ev.OptedOut {
		return a.options.Countries.OfNetwork(ev.Network)
	}
	return a.options.Countries.Of(addr)
}

func (a *Anonymizer) network(addr netip.Addr, optedOut bool) netip.Prefix {
	v4, v6 := a.options.V4Bits, a.options.V6Bits
	if optedOut {
		v4, v6 = min(v4, a.options.OptedOutV4Bits), min(v6, a.options.OptedOutV6Bits)
	}
	if addr.Is6() {
		v4 = v6
	}
	p, _ := addr.Prefix(v4) // in range: complete checked it
	return p
}
