#!/bin/bash
# Does bash accept every script and batch job, and do scripts say how they run? shell.sh TREE
set -euo pipefail
cd "$1"
status=0
for script in mw .ci/run inputs/batch/*.sbatch tests/style/*.sh; do
    bash -n "$script" || status=1
    [[ $(head -n 1 "$script") == '#!/bin/bash' ]] || { echo "$script: does not start with #!/bin/bash" && status=1; }
    [[ $script == *.sbatch || -x $script ]] || { echo "$script: is not executable" && status=1; }
done
if command -v shellcheck >/dev/null; then shellcheck mw .ci/run inputs/batch/*.sbatch tests/style/*.sh || status=1; fi
exit $status
