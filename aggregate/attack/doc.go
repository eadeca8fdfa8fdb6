// Package attack holds the attackers that what is published has to withstand. They know the whole
// published history, every period and table together, and the method; they do not know the counts.
//
// The first works on sums. Every published number is a sum of unknown counts, those of the finest
// groups that the published regions cut the visits into. [System.Attack] looks for every combination
// of published numbers, with coefficients of either sign, that gives the number of a group of its own:
// by rank (which groups are determined at all; exact arithmetic) and by linear programming (the
// smallest region around each group that any combination gives, and the bounds that nonnegativity puts
// on the group). By duality the two are one: the largest count that a group can have is the smallest
// combination that covers it. What was found is rounded to whole coefficients and checked again in
// whole numbers, so that a finding is never an artefact of rounding.
//
// [Crossings] and [Shares] do the same for totals: those of two tables, and those of readers that a share of bots
// tells of.
//
// The second works on distributions. [EpsilonBound] is the Clopper–Pearson lower bound on ε from the
// outputs of a mechanism on two neighbouring inputs: a mechanism whose bound exceeds its stated ε is
// broken, whatever its documentation says.
//
// Not covered: combinations whose result is not the count of one group but a difference of two;
// knowledge from elsewhere, unless it is added as a number; groups that are distinguished by nothing
// that is published.
package attack
