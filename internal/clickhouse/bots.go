package clickhouse

import (
	"context"
	"unique"

	"github.com/ClickHouse/ch-go/proto"

	"throng"
)

// Bots calls yield with the day's units of bots between lo and hi, both included, in no order. One that several
// shards hold comes from each. A batch belongs to yield until it returns. An error of yield ends the call and is
// returned as it is.
func (s *Store) Bots(ctx context.Context, day throng.Day, lo, hi throng.UnitToken, yield func([]throng.BotUnit) error) error {
	var b botBatch
	var stopped error
	p := params{"day": day, "lo": uint64(lo), "hi": uint64(hi)}
	err := s.readNative(ctx, "Store.Bots", unitsSettings, p, b.read, func() error {
		stopped = yield(b.rows())
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return classify("read bots", err)
}

// botBatch is a block of the result; its memory is reused.
type botBatch struct {
	site          proto.ColStr
	unit, network proto.ColUInt64
	bots          []throng.BotUnit
}

func (b *botBatch) read(r *proto.Reader) error {
	return readBlock(r, proto.Results{{Name: "site", Data: &b.site}, {Name: "unit", Data: &b.unit}, {Name: "network", Data: &b.network}})
}

func (b *botBatch) rows() []throng.BotUnit {
	b.bots = b.bots[:0]
	for i, unit := range b.unit {
		b.bots = append(b.bots, throng.BotUnit{Site: unique.Make(b.site.Row(i)).Value(), Unit: throng.UnitToken(unit), Network: b.network[i]})
	}
	return b.bots
}
