package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Client is what connections are made with; nil where they are not encrypted. It reads the files; an
// error names the file and the key, and holds nothing of their content.
func (t TLS) Client() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read ca_file: %s has no certificate in PEM form", t.CAFile)
		}
	}
	if t.CertFile == "" {
		return c, nil
	}
	// Certificates are renewed while the program runs.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.certificate() }
	_, err := t.certificate()
	return c, err
}

func (t TLS) certificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read cert_file and key_file: %w", err)
	}
	return &pair, nil
}

// Password reads the password file; it is "" where no mechanism is configured. The error names the
// file only.
func (s SASL) Password() (string, error) {
	if s.Mechanism == "" {
		return "", nil
	}
	return secret("password", s.PasswordFile)
}

// cluster checks how a Kafka cluster is reached.
func (ck *checker) cluster(key string, addrs []string, t TLS, s SASL) {
	for i, addr := range addrs {
		ck.hostPort(fmt.Sprintf("%s.addrs[%d]", key, i), addr)
	}
	ck.tls(key+".tls", t, key+".addrs", len(addrs) > 0)
	switch {
	case s == SASL{}:
	case len(addrs) == 0:
		ck.refuse(key+".sasl", "needs %s.addrs", key)
	case s.Mechanism == "":
		ck.refuse(key+".sasl.mechanism", "is required: one of plain, scram-sha-256, scram-sha-512")
	case s.User == "":
		ck.refuse(key+".sasl.user", "is required")
	case s.PasswordFile == "":
		ck.refuse(key+".sasl.password_file", "is required")
	case s.Mechanism == "plain" && !t.Enabled:
		ck.refuse(key+".sasl.mechanism", "plain sends the password as it is; set %s.tls.enabled, or take a scram mechanism", key)
	}
}

// tls checks how connections are encrypted; addr is the key of what they lead to.
func (ck *checker) tls(key string, t TLS, addr string, has bool) {
	switch {
	case t == TLS{}:
	case !t.Enabled:
		ck.refuse(key+".enabled", "is false, and other keys of %s are set", key)
	case !has:
		ck.refuse(key, "needs %s", addr)
	case (t.CertFile == "") != (t.KeyFile == ""):
		ck.refuse(key+".key_file", "goes together with %s.cert_file", key)
	}
}
