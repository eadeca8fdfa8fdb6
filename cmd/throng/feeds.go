package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"throng/ingest"
	"throng/ingest/accesslog"
	"throng/ingest/push"
	"throng/ingest/syslog"
	"throng/internal/broker"
	"throng/internal/config"
)

// pushAge is how long lines that were pushed wait for others of their block: their sender waits too.
const pushAge = config.Duration(1e9)

// feeds are the configured sources. The addresses of those that listen are opened, so that a taken port
// is found before anything is read.
func (n *node) feeds(ctx context.Context, stdin io.Reader, b *broker.Client) ([]ingest.Feed, error) {
	feeds := make([]ingest.Feed, 0, len(n.cfg.Sources))
	for _, s := range n.cfg.Sources {
		f := ingest.Feed{Name: s.Name, Site: s.Site, Format: accesslog.Keys(s.Keys).With(s.Format), TrustedProxies: s.TrustedProxies, Globs: s.Files()}
		var err error
		switch {
		case s.Stdin:
			f.Stream = stdin
		case s.Syslog != config.Syslog{}:
			err = n.listenSyslog(ctx, s, &f)
		case s.HTTP.Listen != "":
			err = n.listenPush(ctx, s, &f)
		}
		if s.Kafka.Topic != "" {
			err = n.shareTopic(ctx, s.Kafka, b, &f)
		}
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Name, err)
		}
		feeds = append(feeds, f)
	}
	return feeds, nil
}

func (n *node) listenSyslog(ctx context.Context, s config.Source, f *ingest.Feed) error {
	log := n.log.With(slog.String("feed", s.Name))
	srv, err := syslog.Listen(ctx, syslog.Options{UDP: s.Syslog.UDP, TCP: s.Syslog.TCP, Logger: log})
	if err != nil {
		return err
	}
	n.onClose(srv.Close)
	f.Receive = func(ctx context.Context, in *ingest.Inbox) error { return srv.Serve(ctx, in) }
	return nil
}

func (n *node) listenPush(ctx context.Context, s config.Source, f *ingest.Feed) error {
	token, err := s.HTTP.Token()
	if err != nil {
		return usageError{err}
	}
	var secure *tls.Config
	if s.HTTP.TLSCertFile != "" {
		cert, err := tls.LoadX509KeyPair(s.HTTP.TLSCertFile, s.HTTP.TLSKeyFile)
		if err != nil {
			return usageError{fmt.Errorf("read certificate: %w", err)}
		}
		secure = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	srv, err := push.Listen(ctx, s.HTTP.Listen, secure, push.Options{Token: token, MaxBody: int64(s.HTTP.MaxBody), Logger: n.log})
	if err != nil {
		return err
	}
	n.onClose(srv.Close)
	f.Receive = func(ctx context.Context, in *ingest.Inbox) error { return srv.Serve(ctx, in) }
	f.MaxAge = min(pushAge, n.cfg.Broker.Block.MaxAge).Std()
	return nil
}

// shareTopic reads a topic of raw lines, of b or of a cluster of its own.
func (n *node) shareTopic(ctx context.Context, t config.RawTopic, b *broker.Client, f *ingest.Feed) error {
	b, err := n.brokerOf(ctx, t, b)
	if err != nil {
		return err
	}
	f.Topic = func(ctx context.Context, own func(context.Context, ingest.Partition) error) error {
		return b.Share(ctx, t.Group, t.Topic, func(owned context.Context, p *broker.Partition) error {
			return own(owned, rawPartition{p})
		})
	}
	return nil
}

// brokerOf is the cluster that has a topic of raw lines: b, unless the topic names another.
func (n *node) brokerOf(ctx context.Context, t config.RawTopic, b *broker.Client) (*broker.Client, error) {
	if len(t.Addrs) == 0 {
		return b, nil
	}
	err := n.await(ctx, "broker of raw lines", func() (err error) {
		b, err = openCluster(ctx, broker.Options{Addrs: t.Addrs, Clock: n.clock, Logger: n.log}, t.TLS, t.SASL)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("topic of raw lines: %w", err)
	}
	n.onClose(b.Close)
	return b, nil
}

// rawPartition says in ship's words that a partition was lost.
type rawPartition struct{ *broker.Partition }

func (p rawPartition) Commit(ctx context.Context, offset int64, note string) error {
	err := p.Partition.Commit(ctx, offset, note)
	if errors.Is(err, broker.ErrLost) {
		err = fmt.Errorf("%w: %w", ingest.ErrLost, err)
	}
	return err
}
