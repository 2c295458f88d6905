"""Templates a second of CPU by dlib's face model, as `face_recognition` calls it; run by `embedding.py`.

Takes a .npz with `faces`, uint8 Nx176x176x3 RGB, on the command line, prints as JSON the seconds of CPU for each face,
dlib's version and what its build uses. It runs in an environment of its own, since dlib is no part of Homeward.
"""

import json
import sys
import time
from typing import Any

import numpy as np


def main() -> None:
    """Measure."""
    import dlib  # type: ignore[import-not-found]  # noqa: PLC0415 - the peer's environment alone has it
    import face_recognition_models  # type: ignore[import-not-found]  # noqa: PLC0415 - as above

    faces = np.load(sys.argv[1])["faces"]
    points: Any = dlib.shape_predictor(face_recognition_models.pose_predictor_five_point_model_location())
    model: Any = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
    # The face's place is known, as it is to the model beside it: only the aligning and the embedding are measured.
    place = dlib.rectangle(32, 32, 144, 144)
    model.compute_face_descriptor(faces[0], points(faces[0], place), 1)
    begun = time.process_time()
    for face in faces:
        model.compute_face_descriptor(face, points(face, place), 1)
    seconds = (time.process_time() - begun) / len(faces)
    uses = {"AVX": dlib.USE_AVX_INSTRUCTIONS, "BLAS": dlib.DLIB_USE_BLAS, "CUDA": dlib.DLIB_USE_CUDA}
    print(json.dumps({"seconds": seconds, "version": dlib.__version__, "uses": uses}))


if __name__ == "__main__":
    main()
