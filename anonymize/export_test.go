package anonymize

// Remembered is how many values are in the caches.
func (a *Anonymizer) Remembered() int {
	return a.agents.len() + a.paths.len() + a.referrers.len()
}

func (c *cache[V]) len() (n int) {
	for _, h := range c.hashes {
		if h != 0 {
			n++
		}
	}
	return n
}
