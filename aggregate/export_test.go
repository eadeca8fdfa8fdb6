package aggregate

import "throng"

// Draws is the mechanism, as tests replace it to see what is passed to it.
type Draws = draws

// SetMechanism replaces the mechanism of all releases that c draws.
func (c *Closer) SetMechanism(f func(throng.Parameters) (Draws, error)) { c.mechanism = f }

// The rules of the tree.
var (
	LeafKey = leafKey
	GroupOf = groupOf
	LevelOf = levelOf
)
