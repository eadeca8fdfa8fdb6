package config

import (
	"fmt"
	"io"

	"github.com/goccy/go-yaml"
)

// WriteYAML writes the effective values, defaults included, as a file that [Load] reads back to the
// same configuration. It holds no secret, only the names of the files that hold them.
func (c *Config) WriteYAML(w io.Writer) error {
	if err := yaml.NewEncoder(w, yaml.IndentSequence(true)).Encode(c); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
