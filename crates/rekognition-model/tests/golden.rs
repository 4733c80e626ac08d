//! Golden files with the JSON of every request, every response and of errors. Each value has all its members, so a new member of a type
//! must be added here.
//!
//! `UPDATE_GOLDEN=1 cargo test -p rekognition-model --test golden` rewrites the files.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may panic; clippy exempts only functions with #[test]"
)]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use rekognition_model::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// The value must serialise to the file, and the file must parse as the value.
fn assert_golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let path = folder().join(format!("{name}.json"));
    let written = serde_json::to_string_pretty(value).unwrap() + "\n";
    if updating() {
        fs::write(&path, &written).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}. Run with UPDATE_GOLDEN=1 to write it.",
            path.display()
        );
    });
    assert_eq!(
        written, golden,
        "{name}. If the change is intended, run with UPDATE_GOLDEN=1."
    );
    assert_eq!(
        &serde_json::from_str::<T>(&golden).unwrap(),
        value,
        "{name}"
    );
}

fn assert_golden_pair<R>(request: &R, response: &R::Response)
where
    R: Request + PartialEq + Debug,
    R::Response: PartialEq + Debug,
{
    let key = R::OPERATION.document_key();
    assert_eq!(request.violations(), [], "{key}: the request is invalid");
    assert_golden(&format!("{key}.request"), request);
    assert_golden(&format!("{key}.response"), response);
}

#[test]
fn there_are_no_unused_golden_files() {
    let expected: BTreeSet<String> = Operation::ALL
        .into_iter()
        .flat_map(|operation| {
            ["request", "response"].map(|side| format!("{}.{side}.json", operation.document_key()))
        })
        .chain(["error.json".to_owned(), "error.quota.json".to_owned()])
        .collect();
    // While files are rewritten, other tests may not have written theirs yet.
    let found: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        if updating() {
            found.is_subset(&expected)
        } else {
            found == expected
        },
        "{found:?}, not {expected:?}"
    );
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn inline_image() -> Option<Image> {
    Some(Image {
        bytes: Some(vec![0xff, 0xd8, 0xff, 0xe0]),
        s3_object: None,
    })
}

fn stored_image() -> Option<Image> {
    Some(Image {
        bytes: None,
        s3_object: Some(S3Object {
            bucket: text("pictures"),
            name: text("uploads/red flower+1.jpg"),
            version: text("3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"),
        }),
    })
}

fn bounding_box() -> Option<BoundingBox> {
    Some(BoundingBox {
        width: Some(0.5),
        height: Some(0.75),
        left: Some(-0.015625),
        top: Some(0.28125),
    })
}

fn polygon() -> Option<Vec<Point>> {
    Some(vec![
        Point {
            x: Some(0.125),
            y: Some(0.25),
        },
        Point {
            x: Some(0.625),
            y: Some(0.25),
        },
        Point {
            x: Some(0.625),
            y: Some(1.03125),
        },
    ])
}

fn geometry() -> Option<Geometry> {
    Some(Geometry {
        bounding_box: bounding_box(),
        polygon: polygon(),
    })
}

fn quality(contrast: Option<f64>) -> Option<DetectLabelsImageQuality> {
    Some(DetectLabelsImageQuality {
        brightness: Some(71.25),
        sharpness: Some(88.5),
        contrast,
    })
}

fn colors() -> Option<Vec<DominantColor>> {
    Some(vec![DominantColor {
        red: Some(178),
        blue: Some(34),
        green: Some(34),
        hex_code: text("#b22222"),
        css_color: text("firebrick"),
        simplified_color: text("red"),
        pixel_percent: Some(41.78125),
    }])
}

#[test]
fn detect_labels() {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let request = DetectLabelsRequest {
        image: stored_image(),
        max_labels: Some(20),
        min_confidence: Some(62.5),
        features: Some(vec![
            DetectLabelsFeatureName::GeneralLabels,
            DetectLabelsFeatureName::ImageProperties,
        ]),
        settings: Some(DetectLabelsSettings {
            general_labels: Some(GeneralLabelsSettings {
                label_inclusion_filters: texts(&["Flower", "Dog"]),
                label_exclusion_filters: texts(&["Petal"]),
                label_category_inclusion_filters: texts(&["Plants and Flowers"]),
                label_category_exclusion_filters: texts(&["Colors and Visual Composition"]),
            }),
            image_properties: Some(DetectLabelsImagePropertiesSettings {
                max_dominant_colors: Some(12),
            }),
        }),
    };
    let response = DetectLabelsResponse {
        labels: Some(vec![
            Label {
                name: text("Mobile Phone"),
                confidence: Some(99.8125),
                instances: Some(vec![Instance {
                    bounding_box: bounding_box(),
                    confidence: Some(97.5),
                    dominant_colors: colors(),
                }]),
                parents: Some(vec![Parent {
                    name: text("Electronics"),
                }]),
                aliases: Some(vec![LabelAlias {
                    name: text("Cell Phone"),
                }]),
                categories: Some(vec![LabelCategory {
                    name: text("Technology and Computing"),
                }]),
            },
            Label {
                name: text("Electronics"),
                confidence: Some(99.8125),
                instances: Some(vec![]),
                parents: Some(vec![]),
                aliases: Some(vec![]),
                categories: Some(vec![LabelCategory {
                    name: text("Technology and Computing"),
                }]),
            },
        ]),
        orientation_correction: Some(OrientationCorrection::Rotate0),
        label_model_version: text("3.0"),
        image_properties: Some(DetectLabelsImageProperties {
            quality: quality(Some(64.25)),
            dominant_colors: colors(),
            foreground: Some(DetectLabelsImageForeground {
                quality: quality(None),
                dominant_colors: colors(),
            }),
            background: Some(DetectLabelsImageBackground {
                quality: quality(None),
                dominant_colors: colors(),
            }),
        }),
    };
    assert_golden_pair(&request, &response);
}

fn pose() -> Option<Pose> {
    Some(Pose {
        roll: Some(-4.75),
        yaw: Some(21.5),
        pitch: Some(3.125),
    })
}

fn face_quality() -> Option<ImageQuality> {
    Some(ImageQuality {
        brightness: Some(83.5),
        sharpness: Some(92.25),
    })
}

fn landmarks(types: &[LandmarkType]) -> Option<Vec<Landmark>> {
    let landmark = |of: &LandmarkType| Landmark {
        r#type: Some(of.clone()),
        x: Some(0.40625),
        y: Some(0.53125),
    };
    Some(types.iter().map(landmark).collect())
}

fn emotions() -> Option<Vec<Emotion>> {
    Some(vec![
        Emotion {
            r#type: Some(EmotionName::Happy),
            confidence: Some(96.875),
        },
        Emotion {
            r#type: Some(EmotionName::Calm),
            confidence: Some(1.5),
        },
    ])
}

fn smile() -> Option<Smile> {
    Some(Smile {
        value: Some(true),
        confidence: Some(95.25),
    })
}

#[test]
fn detect_faces() {
    let request = DetectFacesRequest {
        image: inline_image(),
        attributes: Some(vec![Attribute::Default, Attribute::FaceOccluded]),
    };
    let response = DetectFacesResponse {
        face_details: Some(vec![FaceDetail {
            bounding_box: bounding_box(),
            age_range: Some(AgeRange {
                low: Some(23),
                high: Some(31),
            }),
            smile: smile(),
            eyeglasses: Some(Eyeglasses {
                value: Some(false),
                confidence: Some(99.5),
            }),
            sunglasses: Some(Sunglasses {
                value: Some(false),
                confidence: Some(99.75),
            }),
            gender: Some(Gender {
                value: Some(GenderType::Female),
                confidence: Some(98.5),
            }),
            beard: Some(Beard {
                value: Some(false),
                confidence: Some(97.25),
            }),
            mustache: Some(Mustache {
                value: Some(false),
                confidence: Some(98.125),
            }),
            eyes_open: Some(EyeOpen {
                value: Some(true),
                confidence: Some(94.5),
            }),
            mouth_open: Some(MouthOpen {
                value: Some(true),
                confidence: Some(71.875),
            }),
            emotions: emotions(),
            landmarks: landmarks(LandmarkType::KNOWN),
            pose: pose(),
            quality: face_quality(),
            confidence: Some(99.9375),
            face_occluded: Some(FaceOccluded {
                value: Some(false),
                confidence: Some(99.625),
            }),
            eye_direction: Some(EyeDirection {
                yaw: Some(-12.5),
                pitch: Some(-7.75),
                confidence: Some(88.25),
            }),
        }]),
        orientation_correction: Some(OrientationCorrection::Rotate90),
    };
    assert_golden_pair(&request, &response);
}

#[test]
fn detect_moderation_labels() {
    let adapter =
        "arn:aws:rekognition:us-east-1:123456789012:project/pets/version/v1/1690000000000";
    let request = DetectModerationLabelsRequest {
        image: stored_image(),
        min_confidence: Some(60.0),
        human_loop_config: Some(HumanLoopConfig {
            human_loop_name: text("review-0001"),
            flow_definition_arn: text(
                "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/pictures",
            ),
            data_attributes: Some(HumanLoopDataAttributes {
                content_classifiers: Some(vec![
                    ContentClassifier::FreeOfPersonallyIdentifiableInformation,
                    ContentClassifier::FreeOfAdultContent,
                ]),
            }),
        }),
        project_version: text(adapter),
    };
    let response = DetectModerationLabelsResponse {
        moderation_labels: Some(vec![
            ModerationLabel {
                confidence: Some(91.5),
                name: text("Smoking"),
                parent_name: text("Drugs & Tobacco Paraphernalia & Use"),
                taxonomy_level: Some(2),
            },
            ModerationLabel {
                confidence: Some(91.5),
                name: text("Drugs & Tobacco"),
                parent_name: text(""),
                taxonomy_level: Some(1),
            },
        ]),
        moderation_model_version: text("7.0"),
        human_loop_activation_output: Some(HumanLoopActivationOutput {
            human_loop_arn: text("arn:aws:sagemaker:us-east-1:123456789012:human-loop/review-0001"),
            human_loop_activation_reasons: Some(vec!["ConditionsEvaluation".to_owned()]),
            human_loop_activation_conditions_evaluation_results: text(
                r#"{"Conditions":[{"EvaluationResult":true}]}"#,
            ),
        }),
        project_version: text(adapter),
        content_types: Some(vec![ContentType {
            confidence: Some(99.0),
            name: text("Illustrated"),
        }]),
    };
    assert_golden_pair(&request, &response);
}

#[test]
fn detect_text() {
    let request = DetectTextRequest {
        image: inline_image(),
        filters: Some(DetectTextFilters {
            word_filter: Some(DetectionFilter {
                min_confidence: Some(90.0),
                min_bounding_box_height: Some(0.0625),
                min_bounding_box_width: Some(0.03125),
            }),
            regions_of_interest: Some(vec![RegionOfInterest {
                bounding_box: bounding_box(),
                polygon: polygon(),
            }]),
        }),
    };
    let detection = |of, content: &str, id, parent_id| TextDetection {
        detected_text: text(content),
        r#type: Some(of),
        id: Some(id),
        parent_id,
        confidence: Some(98.75),
        geometry: geometry(),
    };
    let response = DetectTextResponse {
        text_detections: Some(vec![
            detection(TextTypes::Line, "KEEP LEFT", 0, None),
            detection(TextTypes::Word, "KEEP", 1, Some(0)),
            detection(TextTypes::Word, "LEFT", 2, Some(0)),
        ]),
        text_model_version: text("3.0"),
    };
    assert_golden_pair(&request, &response);
}

#[test]
fn detect_custom_labels() {
    let request = DetectCustomLabelsRequest {
        project_version_arn: text(
            "arn:aws:rekognition:us-east-1:123456789012:project/birds/version/v2/1690000000000",
        ),
        image: stored_image(),
        max_results: Some(5),
        min_confidence: Some(0.0),
    };
    let response = DetectCustomLabelsResponse {
        custom_labels: Some(vec![CustomLabel {
            name: text("kingfisher"),
            confidence: Some(87.375),
            geometry: geometry(),
        }]),
    };
    assert_golden_pair(&request, &response);
}

#[test]
fn recognize_celebrities() {
    let face = || ComparedFace {
        bounding_box: bounding_box(),
        confidence: Some(99.9375),
        landmarks: landmarks(&[LandmarkType::EyeLeft, LandmarkType::Nose]),
        pose: pose(),
        quality: face_quality(),
        emotions: emotions(),
        smile: smile(),
    };
    let request = RecognizeCelebritiesRequest {
        image: inline_image(),
    };
    let response = RecognizeCelebritiesResponse {
        celebrity_faces: Some(vec![Celebrity {
            urls: Some(vec!["www.wikidata.org/wiki/Q7259".to_owned()]),
            name: text("Ada Lovelace"),
            id: text("1AbC2d3"),
            face: Some(face()),
            match_confidence: Some(98.5),
            known_gender: Some(KnownGender {
                r#type: Some(KnownGenderType::Female),
            }),
        }]),
        unrecognized_faces: Some(vec![face()]),
        orientation_correction: Some(OrientationCorrection::Rotate180),
    };
    assert_golden_pair(&request, &response);
}

#[test]
fn detect_protective_equipment() {
    let request = DetectProtectiveEquipmentRequest {
        image: inline_image(),
        summarization_attributes: Some(ProtectiveEquipmentSummarizationAttributes {
            min_confidence: Some(80.0),
            required_equipment_types: Some(vec![
                ProtectiveEquipmentType::FaceCover,
                ProtectiveEquipmentType::HeadCover,
            ]),
        }),
    };
    let response = DetectProtectiveEquipmentResponse {
        protective_equipment_model_version: text("1.0"),
        persons: Some(vec![ProtectiveEquipmentPerson {
            body_parts: Some(vec![
                ProtectiveEquipmentBodyPart {
                    name: Some(BodyPart::Head),
                    confidence: Some(99.5),
                    equipment_detections: Some(vec![EquipmentDetection {
                        bounding_box: bounding_box(),
                        confidence: Some(96.25),
                        r#type: Some(ProtectiveEquipmentType::HeadCover),
                        covers_body_part: Some(CoversBodyPart {
                            confidence: Some(93.75),
                            value: Some(true),
                        }),
                    }]),
                },
                ProtectiveEquipmentBodyPart {
                    name: Some(BodyPart::LeftHand),
                    confidence: Some(90.5),
                    equipment_detections: Some(vec![]),
                },
            ]),
            bounding_box: bounding_box(),
            confidence: Some(99.875),
            id: Some(0),
        }]),
        summary: Some(ProtectiveEquipmentSummary {
            persons_with_required_equipment: Some(vec![]),
            persons_without_required_equipment: Some(vec![0]),
            persons_indeterminate: Some(vec![]),
        }),
    };
    assert_golden_pair(&request, &response);
}

#[test]
fn errors() {
    let mut error = ErrorBody::new(
        ErrorCode::InvalidS3Object,
        "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
    );
    error.logref = text("5022229e-7e48-11e9-9ad1-854a4567eb71");
    assert_golden("error", &error);

    let quota = ErrorBody {
        r#type: text("HumanLoopQuotaExceededException"),
        code: text("HumanLoopQuotaExceededException"),
        logref: text("7e48222e-5022-11e9-9ad1-4567eb71854a"),
        message: text("Too many human loops are in progress."),
        quota: Some(Box::new(Quota {
            resource_type: text("human-loop"),
            quota_code: text("L-12345678"),
            service_code: text("sagemaker"),
        })),
    };
    assert_golden("error.quota", &quota);
}
