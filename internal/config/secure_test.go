package config_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throng/internal/config"
)

// authority writes the certificate of a TLS server to a file.
func authority(t *testing.T, cert *x509.Certificate) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTLSBelievesTheConfiguredAuthorityAlone(t *testing.T) {
	web := httptest.NewTLSServer(http.NotFoundHandler())
	defer web.Close()
	get := func(c config.TLS) error {
		secure, err := c.Client()
		if err != nil {
			return err
		}
		transport := &http.Transport{TLSClientConfig: secure}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get(web.URL)
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	}
	ca := authority(t, web.Certificate())
	if err := get(config.TLS{Enabled: true, CAFile: ca}); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	if get(config.TLS{Enabled: true}) == nil {
		t.Error("a certificate that nobody vouches for was accepted")
	}
	if get(config.TLS{Enabled: true, CAFile: ca, ServerName: "kafka.internal"}) == nil {
		t.Error("a certificate of another name was accepted")
	}
}

func TestTLSNamesTheFileThatCannotBeUsed(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.pem")
	if err := os.WriteFile(text, []byte("in-the-open"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]config.TLS{
		"no ca":   {CAFile: "missing.pem"},
		"bad ca":  {CAFile: text},
		"no pair": {CertFile: "missing.pem", KeyFile: text},
	} {
		t.Run(name, func(t *testing.T) {
			c.Enabled = true
			_, err := c.Client()
			if err == nil || !strings.Contains(err.Error(), ".pem") && !strings.Contains(err.Error(), "_file") {
				t.Errorf("got %v, want the file's name", err)
			}
			if err != nil && strings.Contains(err.Error(), "in-the-open") {
				t.Errorf("the error shows the file's content: %v", err)
			}
		})
	}
	if c, err := (config.TLS{}).Client(); c != nil || err != nil {
		t.Errorf("where it is off: %v, %v", c, err)
	}
}
