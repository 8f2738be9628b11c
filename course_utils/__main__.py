"""`python -m course_utils`: is this computer ready? With `progress`: which exercises are done?"""

import sys

from course_utils.apps import preflight

if __name__ == "__main__":
    sys.exit(preflight.main())
