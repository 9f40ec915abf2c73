# Where to look for commands; each also works without `just`.

# Install what building and testing needs (Debian 12 and 13).
setup:
    scripts/setup

# Every test; or only the named stages.
test *STAGES:
    scripts/test {{STAGES}}

# A whole ceremony on simulated tokens, typed by itself; `--help` lists what else.
rehearse *ARGS:
    scripts/rehearse {{ARGS}}

# Fuzz every parser for a few seconds each.
fuzz *ARGS:
    scripts/fuzz {{ARGS}}

# Speed against the tools people use today, as ratios of one run; `clone`: seconds from a clean clone to the image.
bench *ARGS:
    scripts/bench {{ARGS}}

# Rewrite the golden screens; review the difference before committing it.
bless:
    CONCLAVE_BLESS=1 cargo test -p conclave-console --test screens

# The desk's programs, in target/desk: `conclave`, static, and `conclave-receive`.
desk:
    scripts/desk

# The bootable image: path, size, SHA-256, seconds per stage.
image:
    scripts/image

# Builds the image twice under different circumstances and compares; or once, with a published digest.
reproduce *ARGS:
    scripts/reproduce {{ARGS}}

# Rewrites image/inputs.lock to what the package archive offers today; review and commit it alone.
inputs:
    scripts/inputs --refresh

# The recording in the README, from a real rehearsal; look at it and commit it alone.
recording:
    scripts/recording
