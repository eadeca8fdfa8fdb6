package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throng"
)

// MarkPassed notes that a loader has passed the closing marker at this offset of a partition of the
// day's topic: all blocks before it are inserted and recorded, those behind it are late.
func (s *Store) MarkPassed(ctx context.Context, day throng.Day, partition int, offset int64) error {
	row := map[string]any{"day": day.String(), "partition": partition, "offset": offset}
	token := fmt.Sprintf("%s-%d-%d", day, partition, offset)
	return classify("mark closing marker", s.home().insertRow(ctx, "Store.MarkPassed", token, row))
}

// Marks gives the offset of the first closing marker that was passed, by partition.
func (s *Store) Marks(ctx context.Context, day throng.Day) (map[int]int64, error) {
	marks := map[int]int64{}
	err := s.each(ctx, "Store.Marks", params{"day": day}, func(rows chdriver.Rows) error {
		var partition uint32
		var offset int64
		err := rows.Scan(&partition, &offset)
		marks[int(partition)] = offset
		return err
	})
	return marks, classify("read marks", err)
}

// Feeds gives the highest watermark, to the second, of every feed that has a block of this day or a
// later one. Zero is unknown.
func (s *Store) Feeds(ctx context.Context, since throng.Day) (map[string]time.Time, error) {
	feeds := map[string]time.Time{}
	err := s.each(ctx, "Store.Feeds", params{"since": since}, func(rows chdriver.Rows) error {
		var feed string
		var seconds int64
		err := rows.Scan(&feed, &seconds)
		var watermark time.Time
		if seconds > 0 {
			watermark = time.Unix(seconds, 0).UTC()
		}
		if known, ok := feeds[feed]; !ok || watermark.After(known) {
			feeds[feed] = watermark
		}
		return err
	})
	return feeds, classify("read feeds", err)
}

// Blocks are the blocks of a feed that were recorded, of all days that were not dropped, without their watermarks.
func (s *Store) Blocks(ctx context.Context, feed string) (blocks []throng.BlockHeader, err error) {
	err = s.each(ctx, "Store.Blocks", params{"feed": feed}, func(rows chdriver.Rows) error {
		var h throng.BlockHeader
		var source string
		var day time.Time
		if err := rows.Scan(&source, &day, &h.Start, &h.End, &h.Rows, &h.Rejected, &h.Late); err != nil {
			return err
		}
		id, err := throng.ParseSourceID(source)
		h.Source, h.Day, h.Feed = id, throng.DayOf(day), feed
		blocks = append(blocks, h)
		return err
	})
	return blocks, classify("read blocks", err)
}

// Tally sums what the recorded blocks of a day say of its lines.
func (s *Store) Tally(ctx context.Context, day throng.Day) (t throng.Tally, err error) {
	err = s.each(ctx, "Store.Tally", params{"day": day}, func(rows chdriver.Rows) error {
		var of throng.Tally
		err := rows.Scan(&of.Events, &of.Rejected, &of.Late)
		t.Events, t.Rejected, t.Late = t.Events+of.Events, t.Rejected+of.Rejected, t.Late+of.Late
		return err
	})
	return t, classify("read tally", err)
}

// OpenDays are the days, in order, that have open units or recorded blocks which were not dropped.
func (s *Store) OpenDays(ctx context.Context) ([]throng.Day, error) {
	var days []throng.Day
	err := s.each(ctx, "Store.OpenDays", nil, func(rows chdriver.Rows) error {
		var day time.Time
		err := rows.Scan(&day)
		days = append(days, throng.DayOf(day))
		return err
	})
	slices.Sort(days)
	return slices.Compact(days), classify("read open days", err)
}

// CountEvents counts the events of a site and day, and those of them that are visits.
func (s *Store) CountEvents(ctx context.Context, site string, day throng.Day) (events, visits uint64, err error) {
	err = s.each(ctx, "Store.CountEvents", params{"site": site, "day": day}, func(rows chdriver.Rows) error {
		var e, v uint64
		err := rows.Scan(&e, &v)
		events, visits = events+e, visits+v
		return err
	})
	return events, visits, classify("count events", err)
}
