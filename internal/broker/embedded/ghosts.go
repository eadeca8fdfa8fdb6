package embedded

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// silence is how long a member of a stable group may say nothing. Ours say something every second.
	silence = 10 * time.Second
	// lookInterval is the time between two looks for members that said nothing.
	lookInterval = 2 * time.Second
)

// ghosts makes dead members leave their groups. kfake times a member out from its last answer on, and one
// that dies while it waits to join may never get any: it would own partitions, which nobody reads then,
// until another member comes or goes.
type ghosts struct {
	cluster *kfake.Cluster
	client  *kgo.Client
	log     *slog.Logger
	stop    context.CancelFunc
	stopped chan struct{}

	mu    sync.Mutex
	heard map[string]map[string]time.Time // by group and member, when it was heard last; guarded by mu
}

// watchGhosts runs until close is called.
func watchGhosts(cluster *kfake.Cluster, addr string, log *slog.Logger) (*ghosts, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	g := &ghosts{cluster: cluster, client: client, log: log, stop: stop, stopped: make(chan struct{}), heard: map[string]map[string]time.Time{}}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat} {
		cluster.ControlKey(int16(key), g.listen)
	}
	go g.run(ctx)
	return g, nil
}

func (g *ghosts) close() {
	g.stop()
	<-g.stopped
	g.client.Close()
}

// listen notes who says something and leaves the request to kfake.
func (g *ghosts) listen(req kmsg.Request) (kmsg.Response, error, bool) {
	switch r := req.(type) {
	case *kmsg.JoinGroupRequest:
		g.note(r.Group, r.MemberID)
	case *kmsg.SyncGroupRequest:
		g.note(r.Group, r.MemberID)
	case *kmsg.HeartbeatRequest:
		g.note(r.Group, r.MemberID)
	}
	return nil, nil, false
}

func (g *ghosts) note(group, member string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.heard[group] == nil {
		g.heard[group] = map[string]time.Time{}
	}
	if member != "" { // a new one has no name yet
		g.heard[group][member] = time.Now()
	}
}

func (g *ghosts) run(ctx context.Context) {
	defer close(g.stopped)
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, group := range g.groups() {
			for _, member := range g.silent(group) {
				g.evict(ctx, group, member)
			}
		}
	}
}

func (g *ghosts) groups() (names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for group := range g.heard {
		names = append(names, group)
	}
	return names
}

// silent are the members that say nothing. In a group that is not stable they need not, and their time
// begins anew.
func (g *ghosts) silent(group string) (members []string) {
	info := g.cluster.GroupInfo(group)
	g.mu.Lock()
	defer g.mu.Unlock()
	if info == nil || len(info.Members) == 0 {
		delete(g.heard, group)
		return nil
	}
	now, before := time.Now(), g.heard[group]
	heard := make(map[string]time.Time, len(info.Members))
	for _, m := range info.Members {
		last, ok := before[m.MemberID]
		if !ok || info.State != "Stable" {
			last = now
		}
		heard[m.MemberID] = last
		if now.Sub(last) > silence {
			members = append(members, m.MemberID)
		}
	}
	g.heard[group] = heard
	return members
}

func (g *ghosts) evict(ctx context.Context, group, member string) {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = group, member
	leaving := kmsg.NewLeaveGroupRequestMember()
	leaving.MemberID = member
	req.Members = append(req.Members, leaving)
	if _, err := req.RequestWith(ctx, g.client); err != nil {
		if ctx.Err() == nil {
			g.log.Warn("a dead member stays in its group for now", slog.String("group", group), slog.Any("error", err))
		}
		return
	}
	g.log.Info("a dead member left its group", slog.String("group", group))
}
