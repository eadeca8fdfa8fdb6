package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	brokerembedded "throng/internal/broker/embedded"
	"throng/internal/clickhouse/embedded"
	"throng/internal/config"
)

type engineCommand struct {
	Serve engineServe `cmd:"" help:"Serve the embedded ClickHouse over its HTTP interface."`
}

func (engineCommand) Help() string {
	return "Lets several processes share the embedded store: they set store.addr to the address, and store.user (any name) and\n" +
		"store.password_file where there is a password. Whoever can connect and knows the password can read and write\n" +
		"everything; without --password-file it has to be a loopback address. With --tls-cert and --tls-key connections are encrypted,\n" +
		"and the other processes set store.tls. It has one user; for users with less rights run a server (docs/clickhouse.md).\n\n" +
		"Example:\n  throng engine serve --dir /var/lib/throng --listen 127.0.0.1:8123 --password-file engine.password"
}

type engineServe struct {
	Dir          string `required:"" placeholder:"D" help:"The state directory."`
	Listen       string `default:"127.0.0.1:8123" help:"The address, host:port."`
	PasswordFile string `placeholder:"F" help:"A file with the password on its first line. Defaults to none."`
	TLSCert      string `name:"tls-cert" placeholder:"F" help:"A PEM file with the certificate and those up to its authority. Needs --tls-key."`
	TLSKey       string `name:"tls-key" placeholder:"F" help:"A PEM file with the certificate's key. Needs --tls-cert."`
	Exposed      bool   `help:"Allow an address that other machines can reach. Needs a password."`
}

func (c engineServe) Run(a *app, ctx context.Context) error {
	password, err := config.Store{PasswordFile: c.PasswordFile}.Password()
	if err != nil {
		return usageError{fmt.Errorf("--password-file: %w", err)}
	}
	if c.Exposed && password == "" {
		return usageError{errors.New("--exposed needs --password-file: whoever can connect could read and change everything")}
	}
	certificate, err := c.certificate()
	if err != nil {
		return err
	}
	l, err := listen(c.Listen, c.Exposed)
	if err != nil {
		return err
	}
	if certificate != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: certificate, MinVersion: tls.VersionTLS12})
	}
	e, err := embedded.Open(ctx, embedded.Options{Dir: layout(c.Dir).clickhouse()})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	h := e.Handler()
	if password != "" {
		h = embedded.WithPassword(h, password)
	}
	fmt.Fprintf(a.err, "throng: the engine listens on %s\n", l.Addr())
	srv := newServer(h)
	srv.ReadTimeout, srv.WriteTimeout = 0, 0 // a close reads for minutes
	return errors.Join(runStages(ctx, stage{"engine", serve(l, srv)}), e.Close())
}

// certificate is empty where connections are not encrypted.
func (c engineServe) certificate() ([]tls.Certificate, error) {
	if c.TLSCert == "" && c.TLSKey == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, usageError{fmt.Errorf("--tls-cert, --tls-key: %w", err)}
	}
	return []tls.Certificate{pair}, nil
}

// listen refuses addresses that other machines can reach, unless that is allowed.
func listen(addr string, exposed bool) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, usageError{fmt.Errorf("--listen: %w", err)}
	}
	if !tcp.IP.IsLoopback() && !exposed {
		return nil, usageError{fmt.Errorf("--listen: %s is not a loopback address; set --exposed and --password-file if other machines shall reach it", addr)}
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
