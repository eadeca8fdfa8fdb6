package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throng"
)

// shard is one server, or the replicas that hold the same part of the rows.
type shard struct {
	replicas []chdriver.Conn
	// current counts up each time the replica that is asked fails; modulo their number it is the one to ask.
	current atomic.Uint32
}

// use calls f with the replica that answered last. When it fails for a reason that may go away, the next
// call is for the next one: f itself is not made again, since it may have handed out rows already.
func (sh *shard) use(f func(chdriver.Conn) error) error {
	i := sh.current.Load()
	err := f(sh.replicas[int(i)%len(sh.replicas)])
	var again *throng.Retryable
	if errors.As(classify("", err), &again) {
		sh.current.CompareAndSwap(i, i+1)
	}
	return err
}

func (sh *shard) exec(ctx context.Context, text string, p params) error {
	return sh.use(func(c chdriver.Conn) error { return c.Exec(ctx, text, p.args()...) })
}

// each calls scan for every row of the result of a query.
func (sh *shard) each(ctx context.Context, text string, p params, scan func(chdriver.Rows) error) error {
	return sh.use(func(c chdriver.Conn) error { return eachRow(ctx, c, text, p, scan) })
}

func eachRow(ctx context.Context, c chdriver.Conn, text string, p params, scan func(chdriver.Rows) error) error {
	rows, err := c.Query(ctx, text, p.args()...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// home is the shard of what has to be in one place only.
func (s *Store) home() *shard { return s.shards[0] }

// shardOf is the shard of a block. It must be the same on every try, and in every process: a token is known
// to the replicas of one shard.
func (s *Store) shardOf(id throng.BlockID) *shard {
	h := fnv.New64a()
	h.Write([]byte(id.String()))
	return s.shards[h.Sum64()%uint64(len(s.shards))]
}

// onEachShard calls f with a replica of every shard, and onEachServer with every server.
func (s *Store) onEachShard(f func(*shard) error) error {
	for _, sh := range s.shards {
		if err := f(sh); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) onEachServer(f func(chdriver.Conn) error) error {
	return s.onEachShard(func(sh *shard) error {
		var errs []error // a server that is down must not keep the others from what is to be done
		for _, c := range sh.replicas {
			errs = append(errs, f(c))
		}
		return errors.Join(errs...)
	})
}

// settled calls f with a replica of each shard that has all that was acknowledged before the call in the
// tables that the query names. A replica that cannot get there fails the call: too few rows would be a count
// that is wrong.
func (s *Store) settled(ctx context.Context, text string, p params, f func(chdriver.Conn) error) error {
	return s.onEachShard(func(sh *shard) error {
		return sh.use(func(c chdriver.Conn) error {
			if s.cluster == "" {
				return f(c)
			}
			for _, table := range tablesIn(text, p) {
				if err := c.Exec(ctx, fmt.Sprintf(statement("Store.settled"), s.database, table)); err != nil {
					return err
				}
			}
			return f(c)
		})
	})
}

var words = regexp.MustCompile(`[a-z_]+`)

// tablesIn are the tables of [tables] that a query names, in its text or by a parameter.
func tablesIn(text string, p params) (named []string) {
	named = words.FindAllString(text, -1)
	for _, v := range p {
		if word, ok := v.(string); ok {
			named = append(named, word)
		}
	}
	slices.Sort(named)
	return slices.DeleteFunc(slices.Compact(named), func(word string) bool { _, ok := tables[word]; return !ok })
}

var (
	defined   = regexp.MustCompile(`(?m)^((?:CREATE|DROP|ALTER) (?:TABLE|VIEW|MATERIALIZED VIEW) (?:IF NOT EXISTS |IF EXISTS )?)(\w+)`)
	mergeTree = regexp.MustCompile(`(?m)^ENGINE = (Replacing)?MergeTree$`)
	read      = regexp.MustCompile(`\b(TO|FROM) (\w+)`)
	window    = regexp.MustCompile(`(\s+)non_replicated_deduplication_window = 10000`)
	settings  = regexp.MustCompile(`(?m)^SETTINGS(\s+)`)
)

// clustered is a statement of the schema for a cluster: it goes to all servers through the cluster's queue,
// so that a view has the same id on each (the id is part of the tokens of what comes through it), and
// tables are replicated. A database's tables have paths of their own in Keeper.
func clustered(text, cluster, database string) string {
	name := defined.FindStringSubmatch(text)
	if cluster == "" || name == nil {
		return text
	}
	// The servers take names for those of another database.
	text = defined.ReplaceAllString(text, "${1}"+database+".${2} ON CLUSTER "+cluster)
	if strings.HasPrefix(name[1], "CREATE MATERIALIZED VIEW") {
		text = read.ReplaceAllString(text, "${1} "+database+".${2}")
	}
	if mergeTree.MatchString(text) {
		path := fmt.Sprintf("'/clickhouse/tables/{shard}/%s/%s', '{replica}'", database, name[2])
		text = mergeTree.ReplaceAllString(text, "ENGINE = Replicated${1}MergeTree("+path+")")
		text = settings.ReplaceAllString(text, "SETTINGS${1}cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,${1}")
	}
	// A token is forgotten after the number and after the time, which an hour would be by default.
	return window.ReplaceAllString(text, "${1}replicated_deduplication_window = 10000,${1}replicated_deduplication_window_seconds = 864000")
}
