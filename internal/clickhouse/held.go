package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throng"
)

// partitionOfHeld is the id of the partition of a hold's copies.
func partitionOfHeld(c throng.HoldCopy) string {
	return fmt.Sprintf("%s-%s-%d", partitionOf(c.Ordered), partitionOf(c.Until), c.Hold)
}

// ofHold reads the id of a partition of copies: by which hold they are kept, and until when. Those of one that
// cannot be read are past their end.
func ofHold(id string, it *throng.Item) error {
	var ordered, until throng.Item
	parts := append(strings.SplitN(id, "-", 3), "", "") // a short id has no day and no number there
	hold, err := strconv.ParseUint(parts[2], 10, 32)
	if err := errors.Join(err, eventDay(parts[0], &ordered), eventDay(parts[1], &until)); err != nil {
		it.Expires = throng.Day(0).Start()
		return err
	}
	c := throng.HoldCopy{Hold: uint32(hold), Ordered: ordered.Day, Until: until.Day}
	it.Hold, it.Day, it.Expires = c.Hold, c.Ordered, c.Expires()
	return nil
}

// matchParams are those of the condition that a match is.
func matchParams(m throng.HoldMatch) params {
	first, last := "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
	if m.Network.IsValid() {
		first, last = bounds(m.Network)
	}
	return params{
		"site": m.Site, "from": m.From.Unix(), "to": m.To.Unix(), "path": m.Path, "method": m.Method, "status": m.Status, "referrer": m.Referrer,
		"client": m.Client, "os": m.OS, "country": m.Country, "bot": m.Bot, "first": first, "last": last, "opted_out": m.OptedOut,
	}
}

// bounds are the first and last address of a network, as the column has them.
func bounds(p netip.Prefix) (first, last string) {
	b := p.Masked().Addr().As16()
	first = netip.AddrFrom16(b).String()
	for i := 128 - p.Addr().BitLen() + p.Bits(); i < 128; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return first, netip.AddrFrom16(b).String()
}

// CountMatched is how many events match, and how many there are.
func (s *Store) CountMatched(ctx context.Context, m throng.HoldMatch) (matched, all uint64, err error) {
	matched, err = s.sum(ctx, statement("Store.CountMatched")+statement("Store.Held.matched"), matchParams(m))
	if err == nil {
		all, err = s.sum(ctx, statement("Store.CountMatched.all"), nil)
	}
	return matched, all, classify("count matched events", err)
}

// sum adds up the one number that a query gives on each shard.
func (s *Store) sum(ctx context.Context, query string, p params) (sum uint64, err error) {
	err = s.settled(ctx, query, p, func(c chdriver.Conn) error {
		var n uint64
		err := c.QueryRow(ctx, query, p.args()...).Scan(&n)
		sum += n
		return err
	})
	return sum, err
}

// CopyHeld copies the events that match into the held table, together with the terms and the salt, in place of all
// copies of that name, and says how many it copied.
func (s *Store) CopyHeld(ctx context.Context, to throng.HoldCopy, terms, salt string, m throng.HoldMatch) (rows uint64, err error) {
	ctx = driver.Context(ctx, driver.WithSettings(foldSettings()))
	if err := s.emptyPartition(ctx, tableHeld, partitionOfHeld(to)); err != nil {
		return 0, classify("copy events of hold", err)
	}
	p := matchParams(m)
	p["ordered"], p["until"], p["hold"], p["terms"], p["salt"] = to.Ordered, to.Until, to.Hold, terms, salt
	copying := statement("Store.CopyHeld") + statement("Store.Held.matched")
	if err := s.settled(ctx, copying, p, func(c chdriver.Conn) error { return c.Exec(ctx, copying, p.args()...) }); err != nil {
		return 0, classify("copy events of hold", err)
	}
	parts, err := s.heldPartitions(ctx, to.Hold)
	return parts[partitionOfHeld(to)], classify("count copies of hold", err)
}

// heldPartitions are the partitions of a hold's copies, with their rows: more than one where a move did not end.
func (s *Store) heldPartitions(ctx context.Context, hold uint32) (map[string]uint64, error) {
	parts := map[string]uint64{}
	err := s.each(ctx, "Store.MoveHeld.partitions", params{"hold": hold}, func(rows chdriver.Rows) error {
		var partition string
		var n uint64
		err := rows.Scan(&partition, &n)
		parts[partition] += n
		return err
	})
	return parts, err
}

// MoveHeld gives a hold's copies another last day. The old ones go last, so that after a failure there are copies
// of one of the two days or of both, and another call leaves each once.
func (s *Store) MoveHeld(ctx context.Context, to throng.HoldCopy) error {
	ctx = driver.Context(ctx, driver.WithSettings(foldSettings()))
	parts, err := s.heldPartitions(ctx, to.Hold)
	if err != nil {
		return classify("move copies of hold", err)
	}
	delete(parts, partitionOfHeld(to))
	moving := statement("Store.MoveHeld")
	for from := range parts {
		err := s.emptyPartition(ctx, tableHeld, partitionOfHeld(to))
		if err == nil {
			p := params{"until": to.Until, "partition": from}
			err = s.settled(ctx, moving, p, func(c chdriver.Conn) error { return c.Exec(ctx, moving, p.args()...) })
		}
		if err == nil {
			err = s.dropPartition(ctx, tableHeld, from)
		}
		if err != nil {
			return classify("move copies of hold", err)
		}
	}
	return nil
}

// EachHeld calls use with each of the copies of a hold, in order of time, and with the terms and the salt that it
// was ordered with; on a cluster those of one shard after those of another. An error of use ends the call and is
// returned as it is.
func (s *Store) EachHeld(ctx context.Context, c throng.HoldCopy, use func(e throng.HeldEvent, terms, salt string) error) error {
	var stopped error
	err := s.each(ctx, "Store.EachHeld", params{"partition": partitionOfHeld(c)}, func(rows chdriver.Rows) error {
		e, terms, salt, err := scanHeld(rows)
		if err != nil {
			return err
		}
		stopped = use(e, terms, salt)
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return classify("read copies of hold", err)
}

func scanHeld(rows chdriver.Rows) (e throng.HeldEvent, terms, salt string, err error) {
	var network net.IP
	err = rows.Scan(&e.Time, &e.Site, &e.Path, &e.Method, &e.Status, &e.Bytes, &e.Referrer, &e.Client, &e.ClientMajor, &e.OS, &e.Country,
		&network, &e.Bot, &terms, &salt)
	addr, _ := netip.AddrFromSlice(network.To16())
	e.Network = addr.Unmap()
	return e, terms, salt, err
}
