package retention_test

import (
	"testing"

	"throng"
	"throng/retention"
)

// Progress tells of failed sweeps and of deletions that are not done, and when all was last well.
func TestProgress(t *testing.T) {
	w := newTown(t, retention.Limits{})
	old := item("clickhouse", throng.ClassStandard, dayAgo(20))
	w.clickhouse.items = []throng.Item{old, item("clickhouse", throng.ClassStandard, dayAgo(3))}
	w.clickhouse.dropFails = map[string]error{old.Name: &throng.Retryable{Err: errFault}}
	if _, err := w.keeper.Sweep(t.Context()); err == nil {
		t.Fatal("the sweep did not fail")
	}
	p := w.keeper.Progress()
	if p.Sweeps != 1 || p.Failed != 1 || p.Pending != 1 || !p.Verified.IsZero() || len(p.Last.Violations) != 1 {
		t.Errorf("after a failure: %+v", p)
	}
	w.clickhouse.dropFails = nil
	if _, err := w.keeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p = w.keeper.Progress()
	if p.Sweeps != 2 || p.Failed != 1 || p.Pending != 0 || !p.Verified.Equal(noon) || len(p.Last.Violations) != 0 {
		t.Errorf("after a success: %+v", p)
	}
	if h := p.Last.Holdings; len(h) != 1 || !h[0].Deadline.Equal((dayAgo(3) + 10).Start()) {
		t.Errorf("holdings are %+v", h)
	}
}
