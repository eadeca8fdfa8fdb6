package main_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"throng"
	"throng/internal/broker"
	"throng/internal/broker/kafkatest"
	"throng/internal/loadgen"
)

// kafkaSite is a site whose stages are processes of their own around three brokers of Kafka, which take TLS
// and SCRAM alone and grant each stage what deploy/kafka/grants says: two ships with a log each, loaders, and
// an engine. All are behind lines that can be cut: the brokers among each other too.
type kafkaSite struct {
	dir            string
	env            []string
	cluster        *kafkatest.Cluster
	access         kafkatest.Access
	routes         string
	engine         engineAt // the engine itself, past the line
	line           *line
	brokerLines    []*line
	logs           []*growingLog
	store          *service
	ships, loaders []*service
	most           uint64 // lines that were seen to be loaded
}

const kafkaSiteConfig = `dir: %[1]s
sites: [{id: www, routes_file: %[2]s, case_sensitive: true}]
%[3]s
broker:
  addrs: [%[4]q, %[5]q, %[6]q]
  partitions: 8
  replication: 3
  compression: zstd
  block: {max_rows: 1024, max_age: 1s}
  tls: {enabled: true, ca_file: %[7]s, cert_file: %[8]s, key_file: %[9]s}
  sasl: {mechanism: scram-sha-512, user: %[10]s, password_file: %[11]s}
store: {addr: "%[12]s", database: default}
listen: {admin: "%[13]s"}
log: {level: debug}
`

// newKafkaSite starts the cluster and the engine, for a site of these pages.
func newKafkaSite(t *testing.T, env []string, list []loadgen.Page, users ...string) *kafkaSite {
	t.Helper()
	if !kafkatest.Wanted() {
		t.Skip("starts three Kafka brokers: set " + kafkatest.Variable + "=1")
	}
	requireEngine(t)
	s := &kafkaSite{dir: testDir(t), env: env, engine: engineAt(freeAddr(t))}
	s.cluster, s.access = kafkatest.StartBehind(t, s.state("kafka"), 3, func(server string) string {
		s.brokerLines = append(s.brokerLines, newLine(t, freeAddr(t), server))
		return s.brokerLines[len(s.brokerLines)-1].addr
	}, users...)
	if err := s.cluster.Grant(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.routes = s.state("routes.txt")
	writeRoutes(t, s.routes, list)
	s.store = startService(t, s.dir, "engine", s.env, "engine", "serve", "--dir", s.state("center"), "--listen", string(s.engine))
	s.line = newLine(t, freeAddr(t), string(s.engine))
	return s
}

// startKafkaSite starts the cluster, the engine, two ships and two loaders on empty directories. The logs are
// written in about so many pieces.
func startKafkaSite(t *testing.T, pieces int, seed uint64) *kafkaSite {
	t.Helper()
	list := pages(30, 2_000+50*uint64(pieces))
	s := newKafkaSite(t, []string{clockAt(testNow)}, list, "ship", "load")
	for i, name := range []string{"web1", "web2"} {
		s.logs = append(s.logs, newGrowingLog(t, s.state(name+"-logs"), loadgen.Options{Readership: list, Devices: 200_000, Seed: seed + uint64(i),
			Start: crashDay.Start(), End: testNow, Key: throng.LeafKey}, pieces))
		s.ship(t, name, fmt.Sprintf(`path: "%s*"`, s.logs[i].path))
	}
	s.load(t, 2)
	return s
}

func (s *kafkaSite) state(name string) string { return filepath.Join(s.dir, name) }

// configure writes the configuration of a stage that is a user of the cluster, and gives its path.
func (s *kafkaSite) configure(t *testing.T, name, user, sources string) string {
	t.Helper()
	addrs := s.cluster.Addrs()
	config := s.state(name + ".yaml")
	writeFile(t, config, fmt.Sprintf(kafkaSiteConfig, s.state(name), s.routes, sources, addrs[0], addrs[1], addrs[2],
		s.access.CAFile, s.access.CertFile, s.access.KeyFile, user, s.access.PasswordFile(user), s.line.addr, freeAddr(t)))
	return config
}

// ship starts a ship of one source; all have the keys of the first.
func (s *kafkaSite) ship(t *testing.T, name, source string) {
	t.Helper()
	if len(s.ships) == 0 {
		output(t, s.env, "keys", "init", "--dir", s.state(name))
		writeFile(t, s.state("export"), output(t, s.env, "keys", "export", "--dir", s.state(name)))
	} else {
		output(t, s.env, "keys", "init", "--dir", s.state(name), "--import", s.state("export"))
	}
	config := s.configure(t, name, "ship", fmt.Sprintf(`sources: [{name: %s, site: www, %s, format: combined_signals}]`, name, source))
	s.ships = append(s.ships, startService(t, s.dir, "ship-"+name, s.env, "ship", "--config", config))
}

// load starts n more loaders.
func (s *kafkaSite) load(t *testing.T, n int) {
	t.Helper()
	for range n {
		name := fmt.Sprintf("load%d", len(s.loaders)+1)
		s.loaders = append(s.loaders, startService(t, s.dir, name, s.env, "load", "--config", s.configure(t, name, "load", "")))
	}
}

func (s *kafkaSite) all() []*service {
	return append(append([]*service{s.store}, s.ships...), s.loaders...)
}

func (s *kafkaSite) grow(t *testing.T) {
	t.Helper()
	for _, g := range s.logs {
		g.grow(t)
	}
}

// loaded is how many lines were loaded; never less than it was before.
func (s *kafkaSite) loaded(t *testing.T) uint64 {
	t.Helper()
	rows, err := s.engine.query(t.Context(), "SELECT sum(rows) + sum(rejected) FROM blocks FINAL")
	if err == nil { // else the engine is being started
		if n, err := strconv.ParseUint(rows[0][0], 10, 64); err == nil {
			s.most = max(s.most, n)
		}
	}
	return s.most
}

// drain writes the rest of the logs, waits until all of it is in the store, stops every process and compares the
// store with the generator's truth.
func (s *kafkaSite) drain(t *testing.T) {
	t.Helper()
	var logs []*loadgen.Log
	for _, g := range s.logs {
		for len(g.rest) > 0 {
			g.grow(t)
		}
		logs = append(logs, g.log)
	}
	want := truthOf(logs...)
	progressFor(t, "the ships", func() (uint64, bool) {
		var lines uint64
		whole := true
		for _, name := range []string{"web1", "web2"} {
			tally, w := shipped(t, s.state(name))
			lines += tally.Lines
			whole = whole && w
		}
		return lines, whole && lines >= want.lines
	})
	progressFor(t, "the loaders", func() (uint64, bool) {
		n, err := s.unloaded(t)
		return s.loaded(t), err == nil && n == 0
	})
	for _, p := range append(s.ships, s.loaders...) {
		p.stop(t)
	}
	want.checkEvents(t, s.engine)
	want.checkUnits(t, s.engine)
	s.store.stop(t)
	t.Logf("%d lines of %d logs, each counted once", want.lines, len(logs))
	for _, p := range s.all() {
		t.Logf("%s: killed %d times, ended by itself %d times", p.name, p.kills, len(p.quits))
	}
}

// unloaded is how many messages the loaders have still to commit, as an administrator sees it.
func (s *kafkaSite) unloaded(t *testing.T) (int64, error) {
	t.Helper()
	secure, err := s.access.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return unloadedFrom(t.Context(), broker.Options{Addrs: s.cluster.Addrs(), TLS: secure,
		SASL: broker.SASL{Mechanism: "scram-sha-256", User: kafkatest.Admin, Password: s.access.Password(kafkatest.Admin)}})
}

// topic is that of all lines.
func (s *kafkaSite) topic() string { return throng.EventsTopic(crashDay) }
