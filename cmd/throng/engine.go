package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	brokerembedded "throng/internal/broker/embedded"
	"throng/internal/clickhouse/embedded"
)

type engineCommand struct {
	Serve engineServe `cmd:"" help:"Serve the embedded ClickHouse over its HTTP interface."`
}

func (engineCommand) Help() string {
	return "Lets several processes of this machine share the embedded store: they set store.addr to the address.\n" +
		"Whoever can connect to the address can read and write; it has to be a loopback address.\n\n" +
		"Example:\n  throng engine serve --dir /var/lib/throng --listen 127.0.0.1:8123"
}

type engineServe struct {
	Dir    string `required:"" placeholder:"D" help:"The state directory."`
	Listen string `default:"127.0.0.1:8123" help:"The loopback address."`
}

func (c engineServe) Run(a *app, ctx context.Context) error {
	l, err := listenLoopback(c.Listen)
	if err != nil {
		return err
	}
	e, err := embedded.Open(ctx, embedded.Options{Dir: layout(c.Dir).clickhouse()})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintf(a.err, "throng: the engine listens on %s\n", l.Addr())
	return errors.Join(runStages(ctx, stage{"engine", serveHTTP(l, e.Handler())}), e.Close())
}

// listenLoopback refuses addresses that other machines can reach.
func listenLoopback(addr string) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, usageError{fmt.Errorf("--listen: %w", err)}
	}
	if !tcp.IP.IsLoopback() {
		return nil, usageError{fmt.Errorf("--listen: %s is not a loopback address, and nobody is authenticated here", addr)}
	}
	return net.ListenTCP("tcp", tcp)
}

type brokerCommand struct {
	Serve brokerServe `cmd:"" help:"Serve the embedded broker, which speaks the Kafka protocol."`
}

func (brokerCommand) Help() string {
	return "Lets several processes of this machine share the embedded broker: they set broker.addrs to the address.\n\n" +
		"Example:\n  throng broker serve --dir /var/lib/throng --listen 127.0.0.1:9092"
}

type brokerServe struct {
	Dir    string `required:"" placeholder:"D" help:"The state directory."`
	Listen string `default:"127.0.0.1:9092" help:"The loopback address."`
}

func (c brokerServe) Run(a *app, ctx context.Context) error {
	b, err := brokerembedded.Open(ctx, brokerembedded.Options{Dir: layout(c.Dir).broker(), Addr: c.Listen})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "throng: the broker listens on %s\n", b.Addr())
	<-ctx.Done()
	return b.Close()
}
