package clickhouse

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema: one statement that does no harm when it runs twice.
type migration struct {
	version uint32
	name    string
	text    string
}

func (m migration) sum() string {
	h := sha256.Sum256([]byte(m.text))
	return hex.EncodeToString(h[:])
}

// migrations are the steps in order of their numbers, which have no gaps.
func migrations() ([]migration, error) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, e := range entries { // sorted by name
		number, name, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), "_")
		version, err := strconv.ParseUint(number, 10, 32)
		if err != nil || int(version) != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", e.Name(), i+1)
		}
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, migration{uint32(version), name, string(text)})
	}
	return all, nil
}

// Migrate brings the schema up to this program's. Steps go forward only and are numbered; each is done
// once, under a lock, and noted with the hash of its text. A database that a newer program migrated,
// or whose steps had another text, is refused and left as it is. A user who may read schema_steps and see the
// tables needs no right to change them where nothing is to be done.
//
// There is an ADR on why no library does this: docs/adr/0003-migrations.md.
func (s *Store) Migrate(ctx context.Context) error {
	return s.onEachSchema(func(sc schema) error {
		todo, err := sc.pending(ctx)
		if hasCode(err, codeNoSuchTable) {
			todo, err = sc.steps, sc.exec(ctx, "Store.Migrate.create")
		}
		if err == nil && len(todo) > 0 {
			err = sc.migrate(ctx)
		}
		if err == nil {
			err = sc.setBackstop(ctx, s.backstop)
		}
		err = classify("migrate store", err)
		if hasCode(err, codeAccessDenied) {
			return fmt.Errorf("%w: this user may not change the tables, and they are not those of this version: run `throng migrate` as one who may", err)
		}
		return err
	})
}

const codeAccessDenied = 497 // ACCESS_DENIED

func hasCode(err error, code int32) bool {
	var e *driver.Exception
	return errors.As(err, &e) && e.Code == code
}

// schema is where the steps are sent: a shard that keeps to itself, or the first of a cluster, which sends
// them on to all servers and has the notes.
type schema struct {
	*shard
	steps []migration
	in    func(statement string) string // a statement in the form that it has there
}

func (s *Store) onEachSchema(f func(schema) error) error {
	all, err := migrations()
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	in := func(text string) string { return clustered(text, s.cluster, s.database) }
	for i := range all {
		all[i].text = in(all[i].text)
	}
	if s.cluster != "" {
		return f(schema{s.home(), all, in})
	}
	return s.onEachShard(func(sh *shard) error { return f(schema{sh, all, in}) })
}

func (sc schema) exec(ctx context.Context, name string) error {
	return sc.shard.exec(ctx, sc.in(statement(name)), nil)
}

func (sc schema) each(ctx context.Context, name string, scan func(chdriver.Rows) error) error {
	return sc.shard.each(ctx, statement(name), nil, scan)
}

// migrate does what is to be done, under the lock.
func (sc schema) migrate(ctx context.Context) error {
	if err := sc.lock(ctx); err != nil {
		return fmt.Errorf("lock schema: %w", err)
	}
	err := sc.apply(ctx)
	return errors.Join(err, sc.exec(context.WithoutCancel(ctx), "Store.Migrate.unlock"))
}

// setBackstop gives events the TTL, or takes it away. It is no step: it depends on the configuration.
func (sc schema) setBackstop(ctx context.Context, wanted bool) error {
	var has bool
	err := sc.each(ctx, "Store.Migrate.hasBackstop", func(rows chdriver.Rows) error { return rows.Scan(&has) })
	if err != nil || has == wanted {
		return err
	}
	if wanted {
		return sc.exec(ctx, "Store.Migrate.backstop")
	}
	return sc.exec(ctx, "Store.Migrate.noBackstop")
}

// CheckSchema tells whether the tables are those of this program, no step missing and none of a newer one.
func (s *Store) CheckSchema(ctx context.Context) error {
	return s.onEachSchema(func(sc schema) error {
		todo, err := sc.pending(ctx)
		if err == nil && len(todo) > 0 {
			err = fmt.Errorf("%d steps of the migration are missing: start the program that loads", len(todo))
		}
		return classify("check schema", err)
	})
}

// Step is one step of the schema.
type Step struct {
	Version uint32 `json:"version"`
	Name    string `json:"name"`
	Done    bool   `json:"done"`
}

// Steps are this program's steps, and whether each is done on all shards. It changes nothing. A database that a newer
// program migrated is an error.
func (s *Store) Steps(ctx context.Context) (steps []Step, err error) {
	err = s.onEachSchema(func(sc schema) error {
		todo, err := sc.pending(ctx)
		var e *driver.Exception
		if errors.As(err, &e) && e.Code == codeUnknownTable { // nothing was ever done
			todo, err = sc.steps, nil
		}
		if err != nil {
			return err
		}
		for i, m := range sc.steps {
			if i == len(steps) {
				steps = append(steps, Step{m.version, m.name, true})
			}
			steps[i].Done = steps[i].Done && !slices.ContainsFunc(todo, func(t migration) bool { return t.version == m.version })
		}
		return nil
	})
	return steps, classify("read schema", err)
}

// pending are the steps that are not done.
func (sc schema) pending(ctx context.Context) ([]migration, error) {
	done := map[uint32]string{}
	err := sc.each(ctx, "Store.Migrate.done", func(rows chdriver.Rows) error {
		var version uint32
		var sum string
		err := rows.Scan(&version, &sum)
		done[version] = sum
		return err
	})
	if err != nil {
		return nil, err
	}
	var todo []migration
	for _, m := range sc.steps {
		switch sum, ok := done[m.version]; {
		case !ok:
			todo = append(todo, m)
		case sum != m.sum():
			return nil, fmt.Errorf("step %d (%s) was done with another text: by another version, or with another store.cluster", m.version, m.name)
		}
		delete(done, m.version)
	}
	if len(done) > 0 {
		return nil, fmt.Errorf("a newer version of the program has migrated this database to step %d, and this one knows %d: run that version; no step is taken back",
			slices.Max(slices.Collect(maps.Keys(done))), len(sc.steps))
	}
	return todo, nil
}

// apply asks again what is to be done: another process may have held the lock before.
func (sc schema) apply(ctx context.Context) error {
	todo, err := sc.pending(ctx)
	if err != nil {
		return err
	}
	for _, m := range todo {
		if err := sc.shard.exec(ctx, m.text, nil); err != nil {
			return fmt.Errorf("step %d (%s): %w", m.version, m.name, err)
		}
		row := map[string]any{"version": m.version, "name": m.name, "sha256": m.sum()}
		if err := sc.insertRow(ctx, "Store.Migrate.note", m.sum(), row); err != nil {
			return fmt.Errorf("note step %d: %w", m.version, err)
		}
	}
	return nil
}

const (
	codeTableExists  = 57
	codeUnknownTable = 60
	lockWait         = 5 * time.Second
	lockPoll         = 100 * time.Millisecond
)

// lock takes the lock: a table of which one process can be the creator. A holder that died is
// told by the lock being the same for 5 s, far longer than all steps take; should it live after all,
// no step does harm when it runs twice.
func (sc schema) lock(ctx context.Context) error {
	held, since := "", time.Time{}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		err := sc.exec(ctx, "Store.Migrate.lock")
		if !hasCode(err, codeTableExists) {
			return err
		}
		now, err := sc.lockHolder(ctx)
		if err != nil {
			return err
		}
		if now != held {
			held, since = now, time.Now()
		}
		if held != "" && time.Since(since) > lockWait {
			if err := sc.exec(ctx, "Store.Migrate.unlock"); err != nil {
				return err
			}
			held = ""
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lockHolder tells one holding of the lock from another; "" is none.
func (sc schema) lockHolder(ctx context.Context) (uuid string, err error) {
	err = sc.each(ctx, "Store.Migrate.holder", func(rows chdriver.Rows) error { return rows.Scan(&uuid) })
	return uuid, err
}
