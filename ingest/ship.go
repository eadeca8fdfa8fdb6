package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"throng"
	"throng/anonymize"
	"throng/ingest/block"
	"throng/internal/durable"
)

// Broker is what ship needs of the broker.
type Broker interface {
	// EnsureTopic creates a topic that does not exist.
	EnsureTopic(ctx context.Context, topic string) error
	// Produce returns after the broker has the message durably. It is called concurrently.
	Produce(ctx context.Context, topic string, key, value []byte) error
}

// Feed is a configured source: the files that match patterns, one stream, what is received from the
// network, or a topic of raw lines. Exactly one of Globs, Stream, Receive and Topic is required.
type Feed struct {
	// Name tells feeds apart on every machine, such as nginx@web1. Required.
	Name string
	// Site is the site of lines that name no host. Required.
	Site string
	// Format is a format of package accesslog, or "auto". Defaults to "auto".
	Format string
	// TrustedProxies is how many proxies stand before the server; see [accesslog.Parser.TrustProxies].
	// Defaults to 0.
	TrustedProxies int
	// Globs are the patterns of the files to follow.
	Globs []string
	// Stream is read to its end. It cannot be read again after a crash.
	Stream io.Reader
	// Receive leaves lines in the inbox until ctx ends, and returns when it leaves no more.
	Receive func(ctx context.Context, in *Inbox) error
	// Topic calls own for each partition of a topic of raw lines while it belongs to this process, as
	// the group decides: owned ends when the partition is taken away. It returns when ctx has ended and
	// every own has returned, or at the first error.
	Topic func(ctx context.Context, own func(owned context.Context, p Partition) error) error
	// MaxAge cuts the blocks of a stream, or of what is received, earlier than ShipOptions.MaxAge.
	// Defaults to that.
	MaxAge time.Duration
	// Silent keeps a feed that is received from saying how far it has been read: it brings lines of the past.
	// Defaults to false.
	Silent bool
}

// ShipOptions configure a [Shipper].
type ShipOptions struct {
	// Dir holds the checkpoints. Required.
	Dir string
	// Quarantine is the directory in which refused lines are noted. Required.
	Quarantine string
	// Feeds are the sources to read. Required.
	Feeds []Feed
	// Broker takes the blocks. Required.
	Broker Broker
	// Anonymizer makes an anonymizer for one worker and feed. Required.
	Anonymizer func(Feed) (*anonymize.Anonymizer, error)
	Clock      throng.Clock // Required.
	Logger     *slog.Logger // Required.
	// Workers parse and anonymize. Defaults to GOMAXPROCS.
	Workers int
	// MaxRows, MaxBytes and MaxAge cut a block. Default to 262,144 rows, 12 MiB, 30 s.
	MaxRows, MaxBytes int
	MaxAge            time.Duration
	// Lateness is how long after its end a day is still open for lines. Defaults to 36 h.
	Lateness time.Duration
	// Poll is how often followed files are looked at. Defaults to 500 ms.
	Poll time.Duration
	// Once ends Run when every file was read to its present end, instead of following it.
	Once bool
}

// maxSkew is how far ahead of the clock a line's time may be.
const maxSkew = time.Hour

// stopTimeout bounds the flush after Run was told to stop.
const stopTimeout = 7 * time.Second

// heartbeat is how often a feed says up to which time it has been read.
const heartbeat = 20 * time.Second

func (o *ShipOptions) setDefaults() error {
	if o.Dir == "" || o.Quarantine == "" || len(o.Feeds) == 0 || o.Broker == nil || o.Anonymizer == nil || o.Clock == nil || o.Logger == nil {
		return errors.New("ship: a required option is missing")
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxRows <= 0 || o.MaxRows > block.MaxRows {
		o.MaxRows = block.MaxRows
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 12 << 20
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 30 * time.Second
	}
	if o.Poll <= 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Lateness <= 0 {
		o.Lateness = 36 * time.Hour
	}
	return nil
}

// Shipper reads sources and sends blocks of events.
//
//	feed ─┐
//	feed ─┼─ jobs ─→ workers ─ parcels ─→ senders ─→ broker
//	feed ─┘          parse,                cut (fsync), produce,
//	                 anonymize, encode     acknowledge (fsync)
type Shipper struct {
	ShipOptions
	feeds   []*feed
	key     printKey // of all feeds; nil where none needs it
	pool    *chunkPool
	jobs    chan *job
	parcels chan *parcel
	buffers chan []byte // encoded messages that were sent
	counts  counters
	totalMu sync.Mutex
	total   Tally // guarded by totalMu
	notes   quarantine
}

// feed is a [Feed] with its state.
type feed struct {
	Feed
	warned    sync.Once
	watermark watermark
	sent      counters      // of what the broker has
	dropped   atomic.Uint64 // messages that were lost before they could be read, as far as that is known
	lag       atomic.Int64  // not yet handed to a worker: bytes of files or of an inbox, messages of a topic
	lastDay   atomic.Int32  // of the latest event; 0 is none
	rowBytes  atomic.Int64  // encoded size of a row; 0 is unknown
	lineBytes atomic.Int64  // size of a line; 0 is unknown
}

// messageDay is the day to whose topic a message goes that holds no events: that of the feed's
// latest event while it is open, so that a source that ended makes no topics of its own.
func (s *Shipper) messageDay(f *feed) throng.Day {
	now := s.Clock.Now()
	if day := throng.Day(f.lastDay.Load()); day != 0 && openWindow(now, s.Lateness).place(day.Start().Unix()) == inside {
		return day
	}
	return throng.DayOf(now)
}

// NewShipper reads the checkpoints and opens nothing else.
func NewShipper(o ShipOptions) (*Shipper, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	for _, dir := range []string{o.Dir, o.Quarantine} {
		if err := errors.Join(durable.MkdirAll(dir), durable.RemoveStaged(dir)); err != nil {
			return nil, fmt.Errorf("start ship: %w", err)
		}
	}
	s := &Shipper{
		ShipOptions: o,
		pool:        newChunkPool(4 * (len(o.Feeds) + o.Workers)),
		jobs:        make(chan *job),
		parcels:     make(chan *parcel),
		buffers:     make(chan []byte, 8),
		notes:       quarantine{dir: o.Quarantine, clock: o.Clock},
	}
	for _, f := range o.Feeds {
		s.feeds = append(s.feeds, &feed{Feed: f})
	}
	return s, s.loadKey()
}

// loadKey makes or reads the key by which files and deliveries are known again, once for all feeds: two that made one
// at the same time would each have known their files by its own, and only one would be kept.
func (s *Shipper) loadKey() (err error) {
	if slices.ContainsFunc(s.feeds, func(f *feed) bool { return f.Globs != nil || f.Receive != nil }) {
		s.key, err = loadPrintKey(filepath.Join(s.Dir, "key"))
	}
	return err
}

// Run ships until ctx ends, or until every stream has ended and, with Once, every file is read. What
// was read when ctx ends is sent within a bounded time; what is not acknowledged by then is made
// again, under the same identity, at the next start. The error is nil after an orderly stop.
func (s *Shipper) Run(ctx context.Context) error {
	flush, cancel := afterwards(ctx, stopTimeout)
	defer cancel()
	read, stopReading := context.WithCancel(ctx)
	defer stopReading()

	var readers, workers, senders errgroup.Group
	for _, f := range s.feeds {
		readers.Go(func() error {
			err := s.read(read, f)
			if err != nil {
				stopReading()
			}
			return err
		})
	}
	for range s.Workers {
		workers.Go(func() error { s.work(); return nil })
	}
	for range senderCount {
		senders.Go(func() error {
			err := s.send(flush)
			if err != nil {
				stopReading()
				s.discard()
			}
			return err
		})
	}
	beat := make(chan struct{})
	go func() { s.beat(read); close(beat) }()

	errRead := readers.Wait()
	close(s.jobs)
	_ = workers.Wait() // workers report through their parcels
	close(s.parcels)
	errSend := senders.Wait()
	stopReading()
	<-beat
	if err := errors.Join(errRead, errSend); err != nil {
		return err
	}
	return s.sendWatermarks(flush)
}

// afterwards is a context that outlives ctx by d: for the flush that follows a stop.
func afterwards(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return late, func() { stop(); cancel() }
}

// read runs one feed. A context that ended is an orderly stop.
func (s *Shipper) read(ctx context.Context, f *feed) error {
	var err error
	switch {
	case f.Stream != nil:
		err = s.readStream(ctx, f)
	case f.Receive != nil:
		err = s.receive(ctx, f)
	case f.Topic != nil:
		err = s.readTopic(ctx, f)
	default:
		err = s.follow(ctx, f)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("read feed %s: %w", f.Name, err)
	}
	return nil
}

// beat sends watermarks until ctx ends.
func (s *Shipper) beat(ctx context.Context) {
	for {
		t := s.Clock.NewTimer(heartbeat)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if err := s.sendWatermarks(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Warn("watermark not sent; it is sent again with the next", slog.Any("error", err))
		}
	}
}

// sendWatermarks tells the loaders, by blocks without rows, how far each feed has been read.
func (s *Shipper) sendWatermarks(ctx context.Context) error {
	for _, f := range s.feeds {
		t, ok := f.watermark.reached()
		if !ok {
			continue
		}
		now := s.Clock.Now()
		h := throng.BlockHeader{
			BlockID:   throng.BlockID{Source: feedID(f.Name), Start: uint64(now.UnixNano()), End: uint64(now.UnixNano()), Day: s.messageDay(f)},
			Feed:      f.Name,
			Watermark: t,
		}
		msg, err := block.NewBuilder().Encode(nil, h)
		if err != nil {
			return fmt.Errorf("send watermark: %w", err)
		}
		if err := s.produce(ctx, message{day: h.Day, key: h.String(), value: msg}); err != nil {
			return fmt.Errorf("send watermark: %w", err)
		}
	}
	return nil
}
