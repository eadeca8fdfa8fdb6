// Package clickhouse keeps events and open units in ClickHouse: an embedded engine, a server, or the
// shards and replicas of a cluster, told apart only by what [Open] is given. All run the same SQL
// through the official driver in HTTP mode; of a cluster each server is asked by itself, and what the
// shards answer is put together here (docs/adr/0017-clusters.md).
//
// It guarantees: a block that is inserted again, whole or after a failure in the middle, by one
// process or several, now or after a restart, is counted once in every table (as long as its day's
// partitions exist and fewer than 10,000 younger blocks were inserted); a replica is read only when it
// has all that any replica of its shard has acknowledged; open units are the only table with unit
// tokens; what is dropped is gone from the tables' directories when the call returns, of replicated
// tables within seconds after it. Errors
// carry ClickHouse's code and name and never its text, which can quote data.
//
// It does not guarantee durability beyond the end of a process: files are written, not synced. A server
// that is killed after it noted an insert's token and before it put the part in place loses that
// insert: it takes it for one that it has when it comes again. The embedded engine mends that at its
// start. What one replica acknowledged is lost with its disk until another has fetched it. The package does not know which days are closed; an old block whose partition was dropped is a
// new block to it, so loaders check the day. SQL never asks for the time.
package clickhouse

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Options say which ClickHouse to use.
type Options struct {
	// Transport carries requests to an engine in this process. Exclusive with Addr, TLS, User and
	// PasswordFile.
	Transport http.RoundTripper
	// Addr are host:port of a server's HTTP interface; the next is tried when one does not answer.
	// Required without Transport and Shards.
	Addr []string
	// Shards are the servers of a cluster: host:port of the HTTP interface of each replica of each shard. The
	// order and number of the shards have to stay as they are for as long as blocks may come again. Exclusive
	// with Transport and Addr.
	Shards [][]string
	// Cluster is the cluster's name at the servers, which the migrations are sent to. Tables are replicated
	// through Keeper, by the macros shard and replica. Required where a shard has several servers; needs Shards.
	Cluster string
	// Database must exist. Defaults to "default".
	Database string
	// User defaults to "default".
	User string
	// PasswordFile is the path of a file with the password; one line end after it is dropped. Defaults
	// to no password.
	PasswordFile string
	// TLS is the client's configuration. Defaults to plain HTTP.
	TLS *tls.Config
	// NoBackstop leaves out the TTL by which the server drops events after 11 days, should retention
	// have stopped. The TTL goes by the server's clock, so it must be left out where the program's clock
	// was moved (the demo, tests). Defaults to having it.
	NoBackstop bool
}

// Store is an open store. Its methods may be called by several goroutines.
type Store struct {
	shards   []*shard // at least one, with at least one replica
	cluster  string
	database string
	backstop bool
	embedded bool
	// tableKey is for the cells of further tables, which are made when they are read: visitors choose
	// referrers, and must not be able to make two of them meet.
	tableKey [2]uint64
}

const (
	maxConns    = 24 // under the embedded engine's own ceiling
	dialTimeout = 30 * time.Second
)

// Open prepares a store. It does not ask the server for anything: see Ping and Migrate.
func Open(_ context.Context, o Options) (*Store, error) {
	opts, err := o.driver()
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{cluster: o.Cluster, database: opts.Auth.Database, backstop: !o.NoBackstop, embedded: o.Transport != nil, tableKey: newTableKey()}
	for _, replicas := range o.servers() {
		sh := &shard{}
		for _, addr := range replicas {
			opts := *opts
			opts.Addr = addr
			conn, err := driver.Open(&opts)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("open store: %w", err), s.Close())
			}
			sh.replicas = append(sh.replicas, conn)
		}
		s.shards = append(s.shards, sh)
	}
	return s, nil
}

// servers are, by shard and replica, the addresses that one connection has.
func (o Options) servers() (shards [][][]string) {
	if o.Transport != nil {
		return [][][]string{{{"embedded:0"}}} // a name in URLs that nothing resolves
	}
	if len(o.Shards) == 0 {
		return [][][]string{{o.Addr}}
	}
	for _, replicas := range o.Shards {
		var each [][]string
		for _, addr := range replicas {
			each = append(each, []string{addr})
		}
		shards = append(shards, each)
	}
	return shards
}

func newTableKey() [2]uint64 {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its documentation
	return [2]uint64{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
}

func (o Options) driver() (*driver.Options, error) {
	opts := &driver.Options{
		Protocol: driver.HTTP, TLS: o.TLS, DialTimeout: dialTimeout,
		MaxOpenConns: maxConns, MaxIdleConns: maxConns,
		Auth: driver.Auth{Database: o.Database, Username: o.User},
	}
	if opts.Auth.Database == "" {
		opts.Auth.Database = "default"
	}
	if o.Transport == nil {
		if err := o.checkServers(); err != nil {
			return nil, err
		}
		return opts, readPassword(o.PasswordFile, &opts.Auth.Password)
	}
	if len(o.Addr) > 0 || len(o.Shards) > 0 || o.TLS != nil || o.User != "" || o.PasswordFile != "" {
		return nil, errors.New("a transport excludes address, shards, user, password and TLS")
	}
	opts.TransportFunc = func(*http.Transport) (http.RoundTripper, error) { return o.Transport, nil }
	return opts, nil
}

func (o Options) checkServers() error {
	if (len(o.Addr) == 0) == (len(o.Shards) == 0) {
		return errors.New("one of an address, shards and a transport has to be given")
	}
	if o.Cluster != "" && len(o.Shards) == 0 {
		return errors.New("a cluster needs shards")
	}
	for i, replicas := range o.Shards {
		if len(replicas) == 0 || len(replicas) > 1 && o.Cluster == "" {
			return fmt.Errorf("shard %d has %d servers: want one, or a cluster's name, by which they replicate", i+1, len(replicas))
		}
	}
	return nil
}

func readPassword(path string, to *string) error {
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read password: %w", err)
	}
	*to = strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	return nil
}

// Ping asks for an answer, of a cluster one server of each shard.
func (s *Store) Ping(ctx context.Context) error {
	err := s.onEachShard(func(sh *shard) error {
		return sh.use(func(c chdriver.Conn) error { return c.Ping(ctx) })
	})
	return classify("ping store", err)
}

// Close closes the connections. It does not close an embedded engine.
func (s *Store) Close() error {
	return s.onEachServer(func(c chdriver.Conn) error { return c.Close() })
}
