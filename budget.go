package throng

// Floors and ceilings of the method. A configuration can only be stricter.
const (
	// MinDevices is the floor of k, the number of distinct devices under which nothing is published.
	MinDevices = 5000
	// MaxEpsilon is the ceiling of ε per device and period.
	MaxEpsilon = 1.0
	// MaxDelta is the ceiling of δ per device and period, noise and thresholds together.
	MaxDelta = 1e-9
	// MaxLeafKeys (L0) is the largest number of leaf keys to which a device contributes in a period.
	MaxLeafKeys = 10
	// MaxVisitsPerCell (Linf) is the largest number of visits by which a device counts in a cell.
	MaxVisitsPerCell = 3
)

// MaxUnitsPerNetwork is the largest number of devices of one network (IPv4 /24, IPv6 /48, wider for those
// who opted out), site and day that help a cell reach k (method section 3).
const MaxUnitsPerNetwork = 64

// Draw is a kind of random draw. All draws of one device and period form one Gaussian mechanism
// (method section 6).
type Draw string

// The kinds of draw.
const (
	DrawDevices        Draw = "devices"          // gate and published device count
	DrawVisits         Draw = "visits"           // bounded visits of a published cell
	DrawOptedOutGates  Draw = "opted_out_gates"  // opted-out and remaining devices of a section or site
	DrawOptedOutVisits Draw = "opted_out_visits" // bounded opted-out visits of a section or site
	DrawRemainingGates Draw = "remaining_gates"  // devices left in a group out of which a span takes rows
	DrawClipped        Draw = "clipped"          // gates of the devices that were clipped and of those that were not, from which their share is made
	DrawBots           Draw = "bots"             // gates of a site's bots and of its readers, from which the bots' share is made
)

// DrawParameters say how one kind of draw is calibrated.
type DrawParameters struct {
	Draw Draw `json:"draw"`
	// Weight is the share of the budget, w_i. The weights of all releases of one site and period sum to at
	// most 1.
	Weight float64 `json:"weight"`
	// L0 is the number of cells a device can be in; Linf its largest contribution to one of them.
	L0   int64 `json:"l0"`
	Linf int64 `json:"linf"`
	// Draws is the number of draws of this kind that a device's contribution to a cell can enter.
	Draws int64 `json:"draws"`
	// PassedL0 is the MaxPartitionsContributed that the library is called with: ceil(L0·Draws/Weight).
	PassedL0 int64 `json:"passed_l0"`
	// Sigma is the standard deviation of the noise, in the unit of the count.
	Sigma float64 `json:"sigma"`
	// Gate is the smallest noisy device count that passes; 0 for draws that are no gate.
	Gate int64 `json:"gate,omitempty"`
}

// Parameters are the parameters under which a release was made. They are part of it. A month draws
// nothing: its Epsilon, Delta and Draws are zero.
type Parameters struct {
	// K is the number of devices under which nothing is published.
	K int64 `json:"k"`
	// Tables are all tables of the site and period, sorted. Their releases share one budget.
	Tables []string `json:"tables"`
	// Epsilon and Delta are spent per device and period, by all of Tables together;
	// Delta = NoiseDelta + ThresholdDelta.
	Epsilon        float64 `json:"epsilon"`
	Delta          float64 `json:"delta"`
	NoiseDelta     float64 `json:"noise_delta"`
	ThresholdDelta float64 `json:"threshold_delta"`
	// GateDelta is the share of ThresholdDelta that one gate draw uses.
	GateDelta float64 `json:"gate_delta"`
	// L0 and Linf bound a device's contribution before any noise.
	L0   int64 `json:"l0"`
	Linf int64 `json:"linf"`
	// PerNetwork is the largest number of devices of one network that help a cell reach K.
	PerNetwork int64            `json:"per_network"`
	Draws      []DrawParameters `json:"draws"`
	// Watermark is set when the floor of K was lifted for a demonstration; such a release is not
	// safe to publish and every page that shows it says so.
	Watermark string `json:"watermark,omitempty"`
}

// Draw gives the parameters of one kind of draw; ok is false where the release does not draw it.
func (p Parameters) Draw(kind Draw) (d DrawParameters, ok bool) {
	for _, d := range p.Draws {
		if d.Draw == kind {
			return d, true
		}
	}
	return DrawParameters{}, false
}

// Gate is the smallest noisy device count that is published; 0 where nothing is drawn.
func (p Parameters) Gate() int64 {
	d, _ := p.Draw(DrawDevices)
	return d.Gate
}
