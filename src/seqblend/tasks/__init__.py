"""What competitions ask for: targets, what a member's array means, loss, calibration, blending."""
