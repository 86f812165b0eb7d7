"""archcalc: from a paper's layer table to a network, its exact cost, and what the paper claims."""
