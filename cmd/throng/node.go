package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"time"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
	"throng/ingest"
	"throng/internal/broker"
	brokerembedded "throng/internal/broker/embedded"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/embedded"
	"throng/internal/config"
	"throng/internal/durable"
)

// node is one process with the parts that its command asked for, opened in this order and closed in
// the reverse one:
//
//	keys ─→ shipper ─→ broker ─→ loader ─→ store ─→ closer ─→ releases ─→ dashboards
//	                     └───────── keeper ─┘         └─ ledger
type node struct {
	cfg   *config.Config
	dir   layout
	clock throng.Clock
	log   *slog.Logger
	waits bool           // for engines that do not answer yet
	stops []func() error // in the order of opening
	// seen follows what the loader and the closer do; nil where nobody asks.
	seen *observer
	// watches keep files up to date that the shipper looks into, as long as it runs.
	watches []stage
}

// newNode makes the state directory and the log.
func newNode(cfg *config.Config, clock throng.Clock, stderr io.Writer) (*node, error) {
	n := &node{cfg: cfg, dir: layout(cfg.Dir), clock: clock, log: newLogger(cfg.Log, stderr)}
	return n, n.dir.create()
}

// run reads the configuration, opens a node for one command and closes it.
func (c configured) run(a *app, use func(*node) error) error {
	cfg, err := c.load(a)
	if err != nil {
		return err
	}
	n, err := newNode(cfg, a.clock, a.err)
	if err != nil {
		return err
	}
	return errors.Join(use(n), n.close())
}

func newLogger(cfg config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Level)) // checked by the configuration
	o := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// close stops what was opened, last first.
func (n *node) close() error {
	var errs []error
	for _, stop := range slices.Backward(n.stops) {
		errs = append(errs, stop())
	}
	n.stops = nil
	return errors.Join(errs...)
}

func (n *node) onClose(stop func() error) { n.stops = append(n.stops, stop) }

// openBroker connects to the configured cluster, or starts the embedded broker.
func (n *node) openBroker(ctx context.Context) (*broker.Client, error) {
	addrs, replication := n.cfg.Broker.Addrs, n.cfg.Broker.Replication
	if n.cfg.Broker.Embedded() {
		b, err := brokerembedded.Open(ctx, brokerembedded.Options{Dir: n.dir.broker(), Logger: n.log})
		if err != nil {
			return nil, occupied(err)
		}
		n.onClose(b.Close)
		addrs, replication = []string{b.Addr()}, 1
	}
	var c *broker.Client
	err := n.await(ctx, "broker", func() (err error) {
		c, err = openCluster(ctx, broker.Options{
			Addrs: addrs, Partitions: n.cfg.Broker.Partitions, ReplicationFactor: replication,
			Compression: n.cfg.Broker.Compression, Clock: n.clock, Logger: n.log,
		}, n.cfg.Broker.TLS, n.cfg.Broker.SASL)
		return err
	})
	if err != nil {
		return nil, err
	}
	n.onClose(c.Close)
	return c, nil
}

// openCluster connects to a Kafka cluster as the configuration says.
func openCluster(ctx context.Context, o broker.Options, secure config.TLS, who config.SASL) (_ *broker.Client, err error) {
	if o.TLS, err = secure.Client(); err != nil {
		return nil, usageError{fmt.Errorf("tls: %w", err)}
	}
	o.SASL = broker.SASL{Mechanism: who.Mechanism, User: who.User}
	if o.SASL.Password, err = who.Password(); err != nil {
		return nil, usageError{fmt.Errorf("sasl: %w", err)}
	}
	return broker.Open(ctx, o)
}

// openStore connects to the store and brings the schema up to date.
func (n *node) openStore(ctx context.Context) (*clickhouse.Store, error) {
	s, err := n.connectStore(ctx)
	if err != nil {
		return nil, err
	}
	return s, n.await(ctx, "store", func() error {
		if err := s.Migrate(ctx); err != nil {
			return err
		}
		return s.CountTables(ctx, n.sitesWithTables())
	})
}

// connectStore connects to the configured server, or starts the embedded engine.
func (n *node) connectStore(ctx context.Context) (*clickhouse.Store, error) {
	o, err := serverOptions(n.cfg.Store)
	if err != nil {
		return nil, err
	}
	if n.cfg.Store.Embedded() {
		transport, err := n.openEngine(ctx)
		if err != nil {
			return nil, err
		}
		o = clickhouse.Options{Transport: transport}
	}
	_, o.NoBackstop = n.clock.(*movedClock) // the store's own expiry goes by the machine's clock
	var s *clickhouse.Store
	err = n.await(ctx, "store", func() (err error) {
		s, err = clickhouse.Open(ctx, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	n.onClose(s.Close)
	return s, nil
}

// serverOptions are those of the configured server or cluster.
func serverOptions(c config.Store) (o clickhouse.Options, err error) {
	o = clickhouse.Options{Shards: c.Servers(), Cluster: c.Cluster, Database: c.Database, User: c.User, PasswordFile: c.PasswordFile}
	if c.Addr != "" {
		o.Addr = []string{c.Addr}
	}
	if o.TLS, err = c.TLS.Client(); err != nil {
		return o, usageError{fmt.Errorf("store.tls: %w", err)}
	}
	return o, nil
}

// sitesWithTables are the sites that have further tables than that of paths.
func (n *node) sitesWithTables() (sites []string) {
	for _, s := range n.cfg.Sites {
		if len(s.Tables) > 0 {
			sites = append(sites, s.ID)
		}
	}
	return sites
}

// openEngines opens the broker, then the store.
func (n *node) openEngines(ctx context.Context) (*broker.Client, *clickhouse.Store, error) {
	b, err := n.openBroker(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := n.openStore(ctx)
	return b, s, err
}

// occupied says what to do where another process has an embedded engine open.
func occupied(err error) error {
	if errors.Is(err, durable.ErrLocked) {
		return fmt.Errorf("%w: one process at a time has the embedded engines; stop `throng serve`, or whichever it is, first", err)
	}
	return err
}

func (n *node) openEngine(ctx context.Context) (http.RoundTripper, error) {
	e, err := embedded.Open(ctx, embedded.Options{Dir: n.dir.clickhouse(), MemoryLimit: uint64(n.cfg.Store.MemoryLimit), Logger: n.log})
	if err != nil {
		return nil, occupied(err)
	}
	n.onClose(e.Close)
	return e.RoundTripper(), nil
}

// openKeys opens the ratchet and makes it in a new state directory.
func (n *node) openKeys() (*keys.Ratchet, error) {
	path := n.dir.keys()
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := keys.Init(path, n.clock.Now()); err != nil {
			return nil, err
		}
	}
	return keys.Open(path, n.clock)
}

// anonymizer is what ship makes its anonymizers with: each knows the site of its feed and those that
// are told by host.
func (n *node) anonymizer(ratchet *keys.Ratchet, w watched) (func(ingest.Feed) (*anonymize.Anonymizer, error), error) {
	hosts, routes, exact, consent := map[string]string{}, map[string][]string{}, map[string]bool{}, map[string]anonymize.Consent{}
	for _, s := range n.cfg.Sites {
		for _, h := range s.Hosts {
			hosts[h] = s.ID
		}
		exact[s.ID], consent[s.ID] = s.CaseSensitive, anonymize.Consent(s.Consent)
		var err error
		if routes[s.ID], err = readRoutes(s); err != nil {
			return nil, err
		}
	}
	p := n.cfg.Privacy
	return func(f ingest.Feed) (*anonymize.Anonymizer, error) {
		known := map[string][]string{f.Site: routes[f.Site]}
		for _, id := range hosts {
			known[id] = routes[id]
		}
		o := anonymize.Options{
			Site: f.Site, Hosts: hosts, Routes: known, CaseSensitive: exact, Keys: ratchet,
			V4Bits: p.IPv4Bits, V6Bits: p.IPv6Bits, OptedOutV4Bits: p.OptedOutIPv4Bits, OptedOutV6Bits: p.OptedOutIPv6Bits,
			K: p.K, Consent: consent, OptOutCookie: n.cfg.OptOut.Cookie,
		}
		w.into(&o)
		return anonymize.New(o)
	}, nil
}

// shipOptions are the options of a shipper of these feeds.
func (n *node) shipOptions(feeds []ingest.Feed, b ingest.Broker, ratchet *keys.Ratchet) (ingest.ShipOptions, error) {
	w, err := n.openWatched()
	if err != nil {
		return ingest.ShipOptions{}, err
	}
	n.watches = append(n.watches, w.stages()...)
	anonymizer, err := n.anonymizer(ratchet, w)
	if err != nil {
		return ingest.ShipOptions{}, err
	}
	return ingest.ShipOptions{
		Dir: n.dir.ship(), Quarantine: n.dir.quarantine(), Feeds: feeds, Broker: b, Anonymizer: anonymizer,
		Clock: n.clock, Logger: n.log,
		MaxRows: n.cfg.Broker.Block.MaxRows, MaxBytes: int(n.cfg.Broker.Block.MaxBytes), MaxAge: n.cfg.Broker.Block.MaxAge.Std(),
		Lateness: n.cfg.Release.Lateness.Std(),
	}, nil
}

// topics lets a client's subscriptions be those that load declares.
type topics struct{ *broker.Client }

func (t topics) Subscribe(ctx context.Context, group, topic string) (ingest.Subscription, error) {
	s, err := t.Client.Subscribe(ctx, group, topic)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// loader takes blocks from the broker into the store.
func (n *node) loader(b *broker.Client, s *clickhouse.Store) (*ingest.Loader, error) {
	o := ingest.LoadOptions{Broker: topics{b}, Store: s, Clock: n.clock, Logger: n.log, MaxLateness: maxLateness}
	if n.seen != nil {
		o.Observe = n.seen.block
	}
	return ingest.NewLoader(o)
}

// maxLateness is the ceiling of the time for which a day is open after its end (method section 3).
const maxLateness = 48 * time.Hour
